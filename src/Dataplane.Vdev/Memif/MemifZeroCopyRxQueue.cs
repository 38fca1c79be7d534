using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Receives as a zero-copy client: the server writes frames straight into buffers of our mempool, which are posted to
/// the S2C ring. Which buffer a descriptor has is remembered here; what the server writes there is a length and a flag.
/// </summary>
internal sealed unsafe class MemifZeroCopyRxQueue : RxQueue, IMemifQueue, IDisposable
{
    /// <summary>Buffers that are posted at a time; DPDK's number, too.</summary>
    private const int RefillAt = 32;

    /// <summary>How many frames ahead headers and data are asked for.</summary>
    private const int Ahead = 4;

    private readonly QueueGate _gate = new();
    private readonly AlignedMemory _buffers;
    private readonly Packet* _posted;
    private readonly Mempool _pool;
    private readonly bool _hasInterrupts;
    private readonly ulong _rearm;
    private readonly uint _room;

    // Of the connection: set while the gate is closed.
    private MemifQueueLink? _link;
    private MemifRing _ring;
    private uint _mask;
    private MemifSharedMemory.Part _part;
    private bool _isBroken;

    // The next descriptor to take, and the next one to post.
    private ushort _next;
    private ushort _head;

    /// <param name="context">Of the port.</param>
    /// <param name="portId">Of the port.</param>
    /// <param name="options">Of the port.</param>
    public MemifZeroCopyRxQueue(RxQueueContext context, int portId, MemifOptions options)
        : base(context)
    {
        _pool = context.Pool;
        _hasInterrupts = context.Interrupts;
        _rearm = Mbuf.RearmValue(portId, _pool);
        _room = (uint)_pool.DataRoom;
        _buffers = new AlignedMemory((nuint)(sizeof(Packet) << options.Log2RingSize));
        _posted = (Packet*)_buffers.Address;
    }

    public EventFd Event { get; } = new();

    internal override EventFd? Interrupt => _hasInterrupts ? Event : null;

    public void Attach(MemifQueueLink link)
    {
        // The port has made sure of it.
        _ = link.Shared!.TryFind(_pool.Zone.Address, _pool.Zone.Length, out _part);
        _link = link;
        _ring = link.Ring;
        _mask = (uint)link.Ring.Size - 1;
        _isBroken = false;
        _next = 0;
        _head = 0;
        // A lcore may be asleep, and it masks the interrupt when it wakes.
        _ring.SetMasked(!_hasInterrupts);
        Refill();
        _gate.Open();
    }

    public void Detach()
    {
        _gate.Close();
        for (; _next != _head; _next++)
            _posted[_next & _mask].Free();
        _link = null;
        _ring = default;
    }

    public void Dispose()
    {
        Event.Dispose();
        _buffers.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        if (!_gate.TryEnter())
            return 0;
        int received = _isBroken ? 0 : Take(burst);
        _gate.Leave();
        return received;
    }

    internal override bool TryArmInterrupt()
    {
        if (!_gate.TryEnter())
            return true;
        bool isEmpty = _ring.TryUnmask(_ring.Tail, _next) || _isBroken;
        _gate.Leave();
        return isEmpty;
    }

    internal override void DisarmInterrupt()
    {
        if (!_gate.TryEnter())
            return;
        _ring.SetMasked(true);
        _gate.Leave();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(Span<Packet> burst)
    {
        int available = (ushort)(Volatile.Read(ref *_ring.Tail) - _next);
        if (available > (ushort)(_head - _next))
        {
            Break($"moved the tail of S2C ring {Index} by {available}; {(ushort)(_head - _next)} buffers are posted");
            return 0;
        }

        int received = 0;
        ulong bytes = 0;
        Prefetch(available);
        while (received < burst.Length && available != 0)
        {
            int plain = TakePlain(burst[received..], available, ref bytes);
            received += plain;
            available -= plain;
            if (received == burst.Length || available == 0)
                break;
            int count = TakeUnusual(available, out Packet packet);
            if (count == 0)
                break;
            available -= count;
            if (packet.IsNull)
                continue;
            bytes += packet.Mbuf->PacketLength;
            burst[received++] = packet;
        }

        if (_ring.Size - (ushort)(_head - _next) >= Math.Min(RefillAt, _ring.Size))
            Refill();
        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
        return received;
    }

    /// <summary>Asks for the first frames.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Prefetch(int available)
    {
        for (uint i = 0; i < Math.Min(available, Ahead); i++)
            Prefetch(_posted[(_next + i) & _mask]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(Packet packet)
    {
        FrameCopy.Prefetch(packet.Mbuf);
        FrameCopy.Prefetch(DataOf(packet.Mbuf));
    }

    /// <summary>Where every posted buffer starts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* DataOf(Mbuf* mbuf) => Mbuf.OwnBuffer(mbuf) + Mbuf.DefaultHeadroom;

    /// <summary>Takes frames of one buffer, up to the first that has more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int TakePlain(Span<Packet> burst, int available, ref ulong bytes)
    {
        Packet* posted = _posted;
        byte* descriptors = _ring.Descriptors;
        uint mask = _mask;
        uint next = _next;
        uint longest = _room;
        ulong rearm = _rearm;
        ulong sum = 0;
        int count = Math.Min(burst.Length, available);
        int taken = 0;
        for (; taken < count; taken++)
        {
            uint slot = (next + (uint)taken) & mask;
            ulong word = *(ulong*)(descriptors + (slot * MemifRingLayout.DescriptorLength));
            uint length = (uint)(word >> 32);
            if ((word & MemifNumbers.Next) != 0 || length - MemifFrame.MinLength > longest - MemifFrame.MinLength)
                break;
            // Behind the last frame these are buffers of later ones: within the ring all the same.
            Packet later = posted[(slot + Ahead) & mask];
            Packet packet = posted[slot];
            Prefetch(later);
            Mbuf.SetReceived(packet.Mbuf, rearm, (int)length);
            burst[taken] = packet;
            sum += length;
        }

        _next += (ushort)taken;
        bytes += sum;
        return taken;
    }

    /// <summary>Takes a frame of several buffers, or drops one that is too short or too long.</summary>
    /// <param name="available">Descriptors that there are.</param>
    /// <param name="packet">The frame; none if it was dropped.</param>
    /// <returns>How many descriptors it has; 0 if it is not complete yet, or wrong.</returns>
    private int TakeUnusual(int available, out Packet packet)
    {
        packet = default;
        Mbuf* last = null;
        int count = 0;
        for (bool more = true; more; count++)
        {
            if (count == Math.Min(available, MemifFrame.MostDescriptors))
            {
                // Whoever sends a frame in parts is still at it, unless there are no more buffers.
                if (count == _ring.Size || count == MemifFrame.MostDescriptors)
                    Break($"chained {count} descriptors of S2C ring {Index} to one frame");
                TakeApart(count);
                return 0;
            }

            ulong word = *(ulong*)(_ring.Descriptors + (((_next + (uint)count) & _mask) * MemifRingLayout.DescriptorLength));
            uint length = (uint)(word >> 32);
            more = (word & MemifNumbers.Next) != 0;
            if (length > _room)
            {
                Break($"put {length} bytes into a buffer of {_room} on S2C ring {Index}");
                TakeApart(count);
                return 0;
            }

            Mbuf* mbuf = _posted[(_next + (uint)count) & _mask].Mbuf;
            Mbuf.SetReceived(mbuf, _rearm, (int)length);
            mbuf->Next = null;
            if (last == null)
                packet = new Packet(mbuf);
            else
            {
                last->Next = mbuf;
                packet.Mbuf->SegmentCount++;
                packet.Mbuf->PacketLength += length;
            }

            last = mbuf;
        }

        _next += (ushort)count;
        if (packet.Mbuf->PacketLength is >= MemifFrame.MinLength and <= MemifFrame.MaxLength)
            return count;
        packet.Free();
        packet = default;
        Counters->Errors++;
        return count;
    }

    /// <summary>Lets the first of the posted buffers be each for itself again, for it is no frame that they are parts of.</summary>
    private void TakeApart(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Mbuf* mbuf = _posted[(_next + (uint)i) & _mask].Mbuf;
            mbuf->Next = null;
            mbuf->SegmentCount = 1;
        }
    }

    /// <summary>Posts buffers while the ring has room and the pool has some.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Refill()
    {
        ushort start = _head;
        int free = _ring.Size - (ushort)(_head - _next);
        while (free != 0)
        {
            uint slot = _head & _mask;
            int count = Math.Min(Math.Min(free, RefillAt), _ring.Size - (int)slot);
            if (!_pool.TryAllocateRaw(new Span<Packet>(_posted + slot, count)))
            {
                Counters->NoMbuf++;
                break;
            }

            ulong word = ((ulong)_room << 32) | ((ulong)_part.Region << 16);
            var descriptor = (ulong*)(_ring.Descriptors + (slot * MemifRingLayout.DescriptorLength));
            for (int i = 0; i < count; i++)
            {
                descriptor[2 * i] = word;
                descriptor[(2 * i) + 1] = _part.OffsetOf(DataOf(_posted[slot + (uint)i].Mbuf));
            }

            _head += (ushort)count;
            free -= count;
        }

        if (_head != start)
            Volatile.Write(ref *_ring.Head, _head);
    }

    private void Break(string rule)
    {
        _isBroken = true;
        _link!.Report(rule);
    }
}
