using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Sends as a zero-copy client: descriptors of the C2S ring refer to packets where they lie in our memory, and the
/// server reads them there. A packet is freed when the server has moved the tail over it. What lies elsewhere, in the
/// memory of another peer, is copied into its own buffer first.
/// </summary>
internal sealed unsafe class MemifZeroCopyTxQueue : TxQueue, IMemifQueue, IDisposable
{
    /// <summary>Packets that are freed in one go.</summary>
    private const int Batch = 64;

    private readonly QueueGate _gate = new();
    private readonly AlignedMemory _buffers;
    private readonly AlignedMemory _scratch = new((nuint)(Batch * sizeof(Packet)));

    /// <summary>By the last descriptor of each packet; null for the others.</summary>
    private readonly Packet* _lent;

    // Of the connection: set while the gate is closed.
    private MemifQueueLink? _link;
    private MemifSharedMemory? _shared;
    private MemifSharedMemory.Part _part;
    private MemifRing _ring;
    private uint _mask;
    private bool _isBroken;
    private bool _wakes;

    // The next descriptor to use, and the first whose packet the server may still read.
    private ushort _next;
    private ushort _oldest;

    /// <param name="context">Of the port.</param>
    /// <param name="options">Of the port.</param>
    public MemifZeroCopyTxQueue(TxQueueContext context, MemifOptions options)
        : base(context)
    {
        _buffers = new AlignedMemory((nuint)(sizeof(Packet) << options.Log2RingSize));
        _lent = (Packet*)_buffers.Address;
    }

    public EventFd Event { get; private set; } = new(isShared: true);

    public void RenewKick()
    {
        var next = new EventFd(isShared: true);
        Event.Dispose();
        Event = next;
    }

    public void Attach(MemifQueueLink link)
    {
        _link = link;
        _shared = link.Shared;
        _part = default;
        _ring = link.Ring;
        _mask = (uint)link.Ring.Size - 1;
        _isBroken = false;
        _wakes = false;
        _next = 0;
        _oldest = 0;
        _gate.Open();
    }

    public void WakeSleeper()
    {
        if (!_wakes && _ring.IsSleeping)
            Wake();
    }

    public void Detach()
    {
        _gate.Close();
        Free(_next);
        _link = null;
        _shared = null;
        _ring = default;
    }

    public void Dispose()
    {
        Event.Dispose();
        _buffers.Dispose();
        _scratch.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (!_gate.TryEnter())
            return 0;
        int sent = _isBroken ? 0 : Put(burst);
        _gate.Leave();
        return sent;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Put(ReadOnlySpan<Packet> burst)
    {
        ushort tail = Volatile.Read(ref *_ring.Tail);
        if ((ushort)(tail - _oldest) > (ushort)(_next - _oldest))
        {
            Break($"moved the tail of C2S ring {Index} by {(ushort)(tail - _oldest)}; {(ushort)(_next - _oldest)} frames are there");
            return 0;
        }

        if (tail != _oldest)
            Free(tail);
        int free = _ring.Size - (ushort)(_next - _oldest);
        ushort start = _next;
        int done = 0;
        int refused = 0;
        ulong bytes = 0;
        for (; done < burst.Length; done++)
        {
            Mbuf* mbuf = burst[done].Mbuf;
            byte* data = mbuf->Buffer + mbuf->DataOffset;
            uint length = mbuf->PacketLength;
            bool isPlain = mbuf->SegmentCount == 1 && length >= MemifFrame.MinLength && _part.Contains(data, length);
            if (isPlain)
            {
                if (free == 0)
                    break;
                Add(data, length, 0, burst[done]);
                free--;
            }
            else if (!CanLend(mbuf))
            {
                burst[done].Free();
                refused++;
                continue;
            }
            else if (mbuf->SegmentCount > free)
            {
                break;
            }
            else
            {
                free -= mbuf->SegmentCount;
                AddChain(burst[done]);
            }

            bytes += length;
        }

        if (_next != start)
            Publish();
        Counters->Packets += (uint)(done - refused);
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        return done;
    }

    /// <summary>Fills in the next descriptor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(byte* data, uint length, ushort flags, Packet packet)
    {
        uint slot = _next & _mask;
        var descriptor = (ulong*)(_ring.Descriptors + (slot * MemifRingLayout.DescriptorLength));
        descriptor[0] = ((ulong)length << 32) | ((ulong)_part.Region << 16) | flags;
        descriptor[1] = _part.OffsetOf(data);
        _lent[slot] = packet;
        _next++;
    }

    /// <summary>Makes sure that the server has all of a packet, by a copy if need be.</summary>
    /// <returns>False if it cannot have it, or if it is no frame.</returns>
    private bool CanLend(Mbuf* packet)
    {
        if (packet->PacketLength < MemifFrame.MinLength || packet->SegmentCount > _ring.Size || !ExternalData.BringHome(packet))
            return false;
        for (Mbuf* segment = packet; segment != null; segment = segment->Next)
        {
            if (!TryFind(segment))
                return false;
        }

        return true;
    }

    /// <summary>Finds the part that a segment lies in; most are in the same one as the last.</summary>
    private bool TryFind(Mbuf* segment)
    {
        byte* data = segment->Buffer + segment->DataOffset;
        return _part.Contains(data, segment->DataLength) || _shared!.TryFind(data, segment->DataLength, out _part);
    }

    private void AddChain(Packet packet)
    {
        for (Mbuf* segment = packet.Mbuf; segment != null; segment = segment->Next)
        {
            _ = TryFind(segment);
            bool isLast = segment->Next == null;
            Add(
                segment->Buffer + segment->DataOffset,
                segment->DataLength,
                isLast ? (ushort)0 : MemifNumbers.Next,
                isLast ? packet : default);
        }
    }

    /// <summary>Lets the server have what was added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Publish()
    {
        Volatile.Write(ref *_ring.Head, _next);
        if (_wakes)
            Interlocked.MemoryBarrier();
        if (_ring.IsSleeping)
            Wake();
    }

    /// <summary>By the lcore, or by the control thread.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wake()
    {
        _wakes = true;
        Event.Signal();
    }

    /// <summary>Frees the packets of all descriptors before this one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Free(ushort end)
    {
        var packets = (Packet*)_scratch.Address;
        int count = 0;
        for (; _oldest != end; _oldest++)
        {
            Packet packet = _lent[_oldest & _mask];
            if (packet.IsNull)
                continue;
            packets[count++] = packet;
            if (count != Batch)
                continue;
            Packet.Free(new ReadOnlySpan<Packet>(packets, count));
            count = 0;
        }

        Packet.Free(new ReadOnlySpan<Packet>(packets, count));
    }

    private void Break(string rule)
    {
        _isBroken = true;
        _link!.Report(rule);
    }
}
