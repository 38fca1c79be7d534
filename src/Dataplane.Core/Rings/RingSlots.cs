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
        uint untilEnd = mask + 1 - start;
        if ((uint)items.Length <= untilEnd)
            items.CopyTo(new Span<T>(slots + start, items.Length));
        else
            WriteAround(slots + start, (int)untilEnd, items);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Read(uint index, Span<T> items)
    {
        uint start = index & mask;
        uint untilEnd = mask + 1 - start;
        if ((uint)items.Length <= untilEnd)
            new ReadOnlySpan<T>(slots + start, items.Length).CopyTo(items);
        else
            ReadAround(slots + start, (int)untilEnd, items);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WriteAround(T* first, int untilEnd, ReadOnlySpan<T> items)
    {
        items[..untilEnd].CopyTo(new Span<T>(first, untilEnd));
        items[untilEnd..].CopyTo(new Span<T>(slots, items.Length - untilEnd));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReadAround(T* first, int untilEnd, Span<T> items)
    {
        new ReadOnlySpan<T>(first, untilEnd).CopyTo(items);
        new ReadOnlySpan<T>(slots, items.Length - untilEnd).CopyTo(items[untilEnd..]);
    }
}
