using System.Numerics;
using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Rings;

/// <summary>
/// A bounded first-in first-out queue between any number of producer and consumer threads. A thread that is suspended
/// between claiming and publishing holds up the others of its side, so the sides should be running threads, as lcores are.
/// </summary>
/// <remarks>
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// claim     own index, then the other's     Volatile.Read, in this order: an older value of the other's index only makes the ring look fuller  (mov | ldar)
/// claim     compare-exchange                one winner per slot; full barrier                                                                  (lock cmpxchg | casal)
/// publish   slots done -> index published   Volatile.Write: the other side must not see the index before the slots are filled (or read)        (mov | stlr)
/// publish   wait for earlier claims         Volatile.Read in a loop: takes over what the earlier claimant published                            (mov | ldar)
/// </code>
/// </remarks>
/// <typeparam name="T">What is queued: of the size of a pointer, such as <see cref="Packets.Packet"/>.</typeparam>
public sealed unsafe class MpmcRing<T> : IDisposable
    where T : unmanaged
{
    private readonly AlignedMemory _memory;
    private readonly MpmcRingCore* _core;

    /// <summary>Makes an empty ring in unmanaged memory.</summary>
    /// <param name="capacity">At least this many items fit; rounded up to a power of two.</param>
    /// <exception cref="NotSupportedException"><typeparamref name="T"/> is not of the size of a pointer.</exception>
    public MpmcRing(int capacity)
        : this(capacity, start: 0)
    {
    }

    /// <summary>As above, with indices that start where a test wants them, so that they wrap soon.</summary>
    internal MpmcRing(int capacity, uint start)
    {
        if (sizeof(T) != sizeof(nint))
            throw new NotSupportedException($"{typeof(T)} has {sizeof(T)} bytes; a ring for many threads holds items of {sizeof(nint)}");
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 30);
        uint slots = BitOperations.RoundUpToPowerOf2((uint)capacity);
        nuint length = (nuint)sizeof(MpmcRingCore) + (slots * (nuint)sizeof(nint));
        _memory = new AlignedMemory(length);
        _core = (MpmcRingCore*)_memory.Address;
        _core->Initialize((nint*)(_core + 1), slots, start);
    }

    /// <summary>How many items fit.</summary>
    public int Capacity => _core->Capacity;

    /// <summary>How many items are queued; exact only while all threads rest.</summary>
    public int Count => _core->Count;

    /// <summary>Queues as many items as fit, in order. Any thread.</summary>
    /// <returns>How many were queued: a prefix of the items.</returns>
    public int EnqueueBurst(ReadOnlySpan<T> items) => Enqueue(items, atLeast: 1);

    /// <summary>Queues all items or none. Any thread.</summary>
    public bool TryEnqueueBulk(ReadOnlySpan<T> items) => items.IsEmpty || Enqueue(items, items.Length) != 0;

    /// <summary>Takes as many items as there are and fit, in order. Any thread.</summary>
    /// <returns>How many were taken.</returns>
    public int DequeueBurst(Span<T> items) => Dequeue(items, atLeast: 1);

    /// <summary>Fills the whole span or takes nothing. Any thread.</summary>
    public bool TryDequeueBulk(Span<T> items) => items.IsEmpty || Dequeue(items, items.Length) != 0;

    /// <summary>Frees the memory; what is still queued is forgotten. No thread may use the ring any more.</summary>
    public void Dispose() => _memory.Dispose();

    private int Enqueue(ReadOnlySpan<T> items, int atLeast)
    {
        int count = _core->Enqueue(MemoryMarshal.Cast<T, nint>(items), atLeast);
        GC.KeepAlive(this); // or the finalizer of a ring that nobody else holds frees the memory under this call
        return count;
    }

    private int Dequeue(Span<T> items, int atLeast)
    {
        int count = _core->Dequeue(MemoryMarshal.Cast<T, nint>(items), atLeast);
        GC.KeepAlive(this);
        return count;
    }
}
