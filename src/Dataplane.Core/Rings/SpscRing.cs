using System.Numerics;
using System.Runtime.CompilerServices;
using Dataplane.Memory;

namespace Dataplane.Rings;

/// <summary>
/// A bounded first-in first-out queue between one producer thread and one consumer thread; neither ever waits.
/// </summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// producer  slots filled     -> index published   Volatile.Write: the consumer must not see the index before the slots    (mov | stlr)
/// consumer  index read       -> slots read        Volatile.Read: slots must not be read before the index allows it        (mov | ldar)
/// consumer  slots read       -> index published   Volatile.Write: the producer must not refill a slot that is being read  (mov | stlr)
/// producer  index read       -> slots filled      Volatile.Read: a slot must not be filled before it is known to be free  (mov | ldar)
/// </code>
/// Each side remembers the other side's index and reads it again only when the ring looks full or empty, so that in
/// steady state the line of the other side's index is not fetched for every burst.
/// </remarks>
/// <typeparam name="T">What is queued; copied bytewise.</typeparam>
public sealed unsafe class SpscRing<T> : IDisposable
    where T : unmanaged
{
    private readonly RingIndex* _producer;
    private readonly RingIndex* _consumer;
    private readonly RingSlots<T> _slots;
    private readonly uint _capacity;
    private readonly AlignedMemory _memory;

    /// <summary>Makes an empty ring in unmanaged memory.</summary>
    /// <param name="capacity">At least this many items fit; rounded up to a power of two.</param>
    public SpscRing(int capacity)
        : this(capacity, start: 0)
    {
    }

    /// <summary>As above, with indices that start where a test wants them, so that they wrap soon.</summary>
    internal SpscRing(int capacity, uint start)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 30);
        _capacity = BitOperations.RoundUpToPowerOf2((uint)capacity);
        _memory = new AlignedMemory((2 * (nuint)sizeof(RingIndex)) + (_capacity * (nuint)sizeof(T)));
        _producer = (RingIndex*)_memory.Address;
        _consumer = _producer + 1;
        *_producer = *_consumer = new RingIndex { Published = start, OtherSeen = start };
        _slots = new RingSlots<T>((T*)(_consumer + 1), _capacity - 1);
    }

    /// <summary>How many items fit.</summary>
    public int Capacity => (int)_capacity;

    /// <summary>How many items are queued; exact only while both sides rest.</summary>
    public int Count => RingIndex.Count(ref *_producer, ref *_consumer, _capacity);

    /// <summary>Queues as many items as fit, in order. Producer only.</summary>
    /// <returns>How many were queued: a prefix of the items.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int EnqueueBurst(ReadOnlySpan<T> items)
    {
        uint head = _producer->Published;
        uint free = FreeSlots(head, (uint)items.Length);
        if (free < (uint)items.Length)
            items = items[..(int)free];
        Put(head, items);
        return items.Length;
    }

    /// <summary>Queues all items or none. Producer only.</summary>
    /// <returns>Whether they fitted.</returns>
    public bool TryEnqueueBulk(ReadOnlySpan<T> items)
    {
        uint head = _producer->Published;
        if (FreeSlots(head, (uint)items.Length) < (uint)items.Length)
            return false;
        Put(head, items);
        return true;
    }

    /// <summary>Takes as many items as there are and fit, in order. Consumer only.</summary>
    /// <returns>How many were taken.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int DequeueBurst(Span<T> items)
    {
        uint tail = _consumer->Published;
        uint queued = QueuedItems(tail, (uint)items.Length);
        if (queued < (uint)items.Length)
        {
            if (queued == 0)
                return 0;
            items = items[..(int)queued];
        }

        Take(tail, items);
        return items.Length;
    }

    /// <summary>Fills the whole span or takes nothing. Consumer only.</summary>
    /// <returns>Whether there were enough.</returns>
    public bool TryDequeueBulk(Span<T> items)
    {
        uint tail = _consumer->Published;
        if (QueuedItems(tail, (uint)items.Length) < (uint)items.Length)
            return false;
        Take(tail, items);
        return true;
    }

    /// <summary>Frees the memory; what is still queued is forgotten. Neither side may use the ring any more.</summary>
    public void Dispose() => _memory.Dispose();

    /// <summary>At least this many slots are free; the consumer's index is read only if too few were when it was last seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint FreeSlots(uint head, uint wanted)
    {
        uint free = _capacity - (head - _producer->OtherSeen);
        if (free >= wanted)
            return free;
        uint tail = Volatile.Read(ref _consumer->Published);
        _producer->OtherSeen = tail;
        return _capacity - (head - tail);
    }

    /// <summary>At least this many items are queued; the producer's index is read only if too few were when it was last seen.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint QueuedItems(uint tail, uint wanted)
    {
        uint queued = _consumer->OtherSeen - tail;
        if (queued >= wanted)
            return queued;
        uint head = Volatile.Read(ref _producer->Published);
        _consumer->OtherSeen = head;
        return head - tail;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(uint head, ReadOnlySpan<T> items)
    {
        _slots.Write(head, items);
        Volatile.Write(ref _producer->Published, head + (uint)items.Length);
        GC.KeepAlive(this); // or the finalizer of a ring that nobody else holds frees the memory under this call
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Take(uint tail, Span<T> items)
    {
        _slots.Read(tail, items);
        Volatile.Write(ref _consumer->Published, tail + (uint)items.Length);
        GC.KeepAlive(this);
    }
}
