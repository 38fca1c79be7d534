using System.Runtime.CompilerServices;

namespace Dataplane.Rings;

/// <summary>
/// Copies between a span and the slots of a ring, in two pieces where the ring wraps.
/// This struct is safe iff <paramref name="slots"/> points to mask + 1 slots, a power of two, that live as long as it.
/// </summary>
internal readonly unsafe struct RingSlots<T>(T* slots, uint mask)
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(uint index, ReadOnlySpan<T> items)
    {
        uint start = index & mask;
        int first = (int)Math.Min((uint)items.Length, mask + 1 - start);
        items[..first].CopyTo(new Span<T>(slots + start, first));
        if (first != items.Length)
            items[first..].CopyTo(new Span<T>(slots, items.Length - first));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Read(uint index, Span<T> items)
    {
        uint start = index & mask;
        int first = (int)Math.Min((uint)items.Length, mask + 1 - start);
        new ReadOnlySpan<T>(slots + start, first).CopyTo(items);
        if (first != items.Length)
            new ReadOnlySpan<T>(slots, items.Length - first).CopyTo(items[first..]);
    }
}
