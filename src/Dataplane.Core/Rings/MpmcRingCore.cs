using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Rings;

/// <summary>
/// The multi-producer multi-consumer ring, as it lies in unmanaged memory with its slots behind it; used through a
/// pointer only. <see cref="MpmcRing{T}"/> documents it; mempools embed it.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MpmcRingCore
{
    private RingIndex _producers;
    private RingIndex _consumers;
    private nint* _slots;
    private uint _capacity;

    /// <summary>Makes an empty ring over slots that the caller owns.</summary>
    /// <param name="slots">Room for <paramref name="capacity"/> items.</param>
    /// <param name="capacity">A power of two.</param>
    /// <param name="start">Where the indices start; tests let them wrap soon.</param>
    public void Initialize(nint* slots, uint capacity, uint start = 0)
    {
        _producers = new RingIndex { Claimed = start, Published = start };
        _consumers = _producers;
        _slots = slots;
        _capacity = capacity;
    }

    public readonly int Capacity => (int)_capacity;

    public int Count => RingIndex.Count(ref _producers, ref _consumers, _capacity);

    /// <summary>Queues at least <paramref name="atLeast"/> of the items, as many as fit, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Enqueue(ReadOnlySpan<nint> items, int atLeast)
    {
        // Free slots: capacity - (claimed by producers - published by consumers).
        uint count = Claim(ref _producers, ref _consumers, _capacity, (uint)items.Length, (uint)atLeast, out uint index);
        if (count == 0)
            return 0;
        Slots.Write(index, items[..(int)count]);
        Publish(ref _producers, index, count);
        return (int)count;
    }

    /// <summary>Takes at least <paramref name="atLeast"/> items, as many as there are and fit, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Dequeue(Span<nint> items, int atLeast)
    {
        // Queued items: 0 - (claimed by consumers - published by producers).
        uint count = Claim(ref _consumers, ref _producers, 0, (uint)items.Length, (uint)atLeast, out uint index);
        if (count == 0)
            return 0;
        Slots.Read(index, items[..(int)count]);
        Publish(ref _consumers, index, count);
        return (int)count;
    }

    private readonly RingSlots<nint> Slots => new(_slots, _capacity - 1);

    private static uint Claim(
        ref RingIndex own, ref RingIndex other, uint offset, uint wanted, uint atLeast, out uint index)
    {
        var spin = default(SpinWait);
        while (true)
        {
            index = Volatile.Read(ref own.Claimed);
            uint available = offset + Volatile.Read(ref other.Published) - index;
            uint count = Math.Min(available, wanted);
            if (count == 0 || count < atLeast)
                return 0;
            if (Interlocked.CompareExchange(ref own.Claimed, index + count, index) == index)
                return count;
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    private static void Publish(ref RingIndex own, uint index, uint count)
    {
        // Whoever claimed before us publishes before us, so that the published part has no holes.
        var spin = default(SpinWait);
        while (Volatile.Read(ref own.Published) != index)
            spin.SpinOnce(sleep1Threshold: -1);
        Volatile.Write(ref own.Published, index + count);
    }
}
