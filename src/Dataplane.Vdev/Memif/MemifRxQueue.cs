using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Receives from a ring whose buffers lie in shared memory. Short frames are copied, which costs less than to remember
/// them; longer ones stay where they are until their packet is freed: it refers to the shared buffer, which goes back to
/// the peer afterwards, in the order of the ring.
/// </summary>
/// <remarks>
/// A first pass over the descriptors checks them and asks for the first bytes of every frame, a second one takes the
/// frames: by then they are on their way into the cache.
/// </remarks>
/// <typeparam name="TSide">Server: the ring is C2S, else S2C.</typeparam>
internal sealed unsafe class MemifRxQueue<TSide> : RxQueue, IMemifQueue, IDisposable
    where TSide : struct, IMemifSide
{
    /// <summary>Frames per pass.</summary>
    private const int Batch = 64;

    /// <summary>Frames that are asked for before they are taken: those of a usual burst.</summary>
    private const int AheadFrames = 32;

    /// <summary>Most descriptors of a frame: 64 KiB in buffers of 256 bytes. What has more is dropped.</summary>
    private const int MaxPieces = 256;

    private readonly QueueGate _gate = new();
    private readonly AlignedMemory _scratch = new((nuint)(MaxPieces * (sizeof(MemifFrame) + sizeof(Packet))));
    private readonly Mempool _pool;
    private readonly bool _hasInterrupts;
    private readonly ulong _rearm;
    private readonly ulong _rearmExternal;
    private readonly uint _room;
    private readonly uint _copyBelow;
    private readonly uint _bufferSize;
    private readonly uint _bufferStride;

    // Of the connection: set while the gate is closed.
    private MemifQueueLink? _link;
    private ExternalReturns? _returns;
    private MemifRing _ring;
    private MemifRegion* _regions;
    private uint _regionCount;
    private uint _mask;
    private uint _buffersOffset;
    private bool _isBroken;

    // The next descriptor to take, and the first that the peer does not have back.
    private ushort _next;
    private ushort _released;
    private ushort _seen;

    /// <param name="context">Of the port.</param>
    /// <param name="portId">Of the port.</param>
    /// <param name="options">Of the port.</param>
    public MemifRxQueue(RxQueueContext context, int portId, MemifOptions options)
        : base(context)
    {
        _pool = context.Pool;
        _hasInterrupts = context.Interrupts;
        Event = _hasInterrupts || !TSide.IsServer ? new EventFd() : null;
        _rearm = Mbuf.RearmValue(portId, _pool);
        _rearmExternal = ((ulong)(ushort)portId << 16) | (1UL << 32);
        _room = (uint)_pool.DataRoom;
        _copyBelow = Math.Min(_room, FrameCopy.ShortLength);
        _bufferSize = (uint)options.BufferSize;
        _bufferStride = options.BufferStride;
    }

    public EventFd? Event { get; }

    internal override EventFd? Interrupt => _hasInterrupts ? Event : null;

    public void Attach(MemifQueueLink link)
    {
        _link = link;
        _returns = link.Returns;
        _ring = link.Ring;
        _regions = link.Regions;
        _regionCount = (uint)link.RegionCount;
        _mask = (uint)link.Ring.Size - 1;
        _buffersOffset = link.BuffersOffset;
        _isBroken = false;
        _next = 0;
        _released = 0;
        _seen = 0;
        // A lcore may be asleep, and it masks the interrupt when it wakes.
        _ring.SetMasked(!_hasInterrupts);
        if (!TSide.IsServer)
        {
            Post(0, _ring.Size);
            Volatile.Write(ref *_ring.Head, (ushort)_ring.Size);
        }

        _gate.Open();
    }

    public void Detach()
    {
        _gate.Close();
        _link = null;
        _returns = null;
        _regions = null;
        _ring = default;
    }

    public void Dispose()
    {
        Event?.Dispose();
        _scratch.Dispose();
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
        bool isEmpty = _ring.TryUnmask(Produced, _next) || _isBroken;
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

    /// <summary>The index that the peer moves over frames.</summary>
    private ushort* Produced
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSide.IsServer ? _ring.Head : _ring.Tail;
    }

    private Span<Packet> ScratchPackets => new(_scratch.Address + (MaxPieces * sizeof(MemifFrame)), MaxPieces);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(Span<Packet> burst)
    {
        ushort released = _released;
        if (_returns!.Outstanding != 0)
            _released += (ushort)_returns.Sweep();
        // The index is read only when what was seen of it does not do: the peer keeps writing its line.
        int available = (ushort)(_seen - _next);
        if (available < burst.Length)
        {
            _seen = Volatile.Read(ref *Produced);
            available = (ushort)(_seen - _next);
            if (available > _ring.Size - (ushort)(_next - _released))
            {
                Break($"moved the index of {Name} by {available}, beyond its {_ring.Size} descriptors");
                return 0;
            }
        }

        int received = 0;
        ulong bytes = 0;
        while (received < burst.Length && available != 0)
        {
            int plain = Locate(Math.Min(Math.Min(burst.Length - received, available), Batch));
            if (plain != 0)
            {
                Span<Packet> packets = burst.Slice(received, plain);
                int allocated = Allocate(packets);
                bytes += Fill(packets[..allocated]);
                received += allocated;
                available -= allocated;
                if (allocated != plain)
                    break;
            }
            else
            {
                int slots = TakeUnusual(available, out Packet packet);
                if (slots == 0)
                {
                    // The rest of it may have come since.
                    _seen = _next;
                    available = 0;
                    break;
                }

                available -= slots;
                if (packet.IsNull)
                    continue;
                bytes += packet.Mbuf->PacketLength;
                burst[received++] = packet;
            }
        }

        if (_released != released)
            GiveBack(released);
        LookAhead(available);
        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
        return received;
    }

    /// <summary>Asks for the first bytes of the frames that the next call will take, and for the descriptors behind those.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LookAhead(int available)
    {
        byte* descriptors = _ring.Descriptors;
        MemifRegion* regions = _regions;
        uint mask = _mask;
        uint next = _next;
        uint frames = (uint)Math.Min(available, AheadFrames);
        for (uint i = 0; i < frames; i++)
        {
            byte* descriptor = descriptors + (((next + i) & mask) * MemifRingLayout.DescriptorLength);
            byte region = descriptor[2];
            uint offset = *(uint*)(descriptor + 8);
            FrameCopy.Prefetch(regions[region].Address + offset);
        }

        uint end = (uint)Math.Min(available, 2 * AheadFrames);
        for (uint i = frames; i < end; i += 4)
            FrameCopy.Prefetch(descriptors + (((next + i) & mask) * MemifRingLayout.DescriptorLength));
    }

    /// <summary>Checks descriptors and says where their frames are, up to the first that is not an ordinary one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Locate(int count)
    {
        var frames = (MemifFrame*)_scratch.Address;
        MemifRegion* regions = _regions;
        byte* descriptors = _ring.Descriptors;
        uint regionCount = _regionCount;
        uint mask = _mask;
        uint next = _next;
        uint longest = _room;
        int found = 0;
        for (; found < count; found++)
        {
            byte* descriptor = descriptors + (((next + (uint)found) & mask) * MemifRingLayout.DescriptorLength);
            ulong word = *(ulong*)descriptor;
            uint offset = *(uint*)(descriptor + 8);
            uint region = (ushort)(word >> 16);
            uint length = (uint)(word >> 32);
            bool isOrdinary = (word & MemifNumbers.Next) == 0
                && length - MemifFrame.MinLength <= longest - MemifFrame.MinLength && region < regionCount;
            if (!isOrdinary || offset + (ulong)length > regions[region].Length)
                break;
            byte* data = regions[region].Address + offset;
            FrameCopy.Prefetch(data);
            frames[found] = new MemifFrame { Data = data, Length = length };
        }

        return found;
    }

    /// <summary>Takes a buffer for each packet; or fewer, if the pool has no more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Allocate(Span<Packet> packets) => _pool.TryAllocateRaw(packets) ? packets.Length : AllocateSome(packets);

    private int AllocateSome(Span<Packet> packets)
    {
        Counters->NoMbuf++;
        int count = packets.Length / 2;
        while (count != 0 && !_pool.TryAllocateRaw(packets[..count]))
            count /= 2;
        return count;
    }

    /// <summary>Makes packets of the frames that were located.</summary>
    /// <returns>Bytes of all of them.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ulong Fill(Span<Packet> packets)
    {
        var frames = (MemifFrame*)_scratch.Address;
        ExternalReturns returns = _returns!;
        ulong rearm = _rearm;
        uint copyBelow = _copyBelow;
        ulong bytes = 0;
        bool isDirect = returns.Outstanding == 0;
        int direct = 0;
        for (int i = 0; i < packets.Length; i++)
        {
            Mbuf* mbuf = packets[i].Mbuf;
            byte* data = frames[i].Data;
            uint length = frames[i].Length;
            bytes += length;
            if (length <= copyBelow)
            {
                Mbuf.SetReceived(mbuf, rearm, (int)length);
                FrameCopy.Short(data, Mbuf.OwnBuffer(mbuf) + Mbuf.DefaultHeadroom, length);
                if (isDirect)
                    direct++;
                else
                    returns.MarkReturned(returns.Take());
            }
            else
            {
                isDirect = false;
                Lend(mbuf, data, length);
            }
        }

        _next += (ushort)packets.Length;
        _released += (ushort)direct;
        return bytes;
    }

    /// <summary>Lets a buffer refer to a frame in shared memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Lend(Mbuf* mbuf, byte* data, uint length)
    {
        mbuf->Buffer = data;
        mbuf->BufferIova = Mbuf.NoIova;
        *(ulong*)&mbuf->DataOffset = _rearmExternal | ((ulong)length << 48);
        *(ulong*)&mbuf->PacketLength = length | ((ulong)length << 32);
        mbuf->Flags = MbufFlags.External;
        mbuf->ExternalOwner = _returns!.Owner;
        mbuf->ExternalCookie = _returns.Take();
    }

    /// <summary>Takes a frame that has several descriptors, or is too long or too short, or whose descriptor is wrong.</summary>
    /// <param name="available">Descriptors that there are.</param>
    /// <param name="packet">The frame; none if it was dropped.</param>
    /// <returns>How many descriptors it has; 0 if it cannot be taken now.</returns>
    private int TakeUnusual(int available, out Packet packet)
    {
        packet = default;
        var frames = (MemifFrame*)_scratch.Address;
        ulong total = 0;
        uint longest = 0;
        int count = 0;
        for (bool more = true; more; count++)
        {
            if (count == Math.Min(available, MemifFrame.MostDescriptors))
            {
                // Whoever sends a frame in parts is still at it, unless there is no more room for it.
                if (count == _ring.Size || count == MemifFrame.MostDescriptors)
                    Break($"chained {count} descriptors of {Name} to one frame");
                return 0;
            }

            byte* descriptor = _ring.Descriptors + (((_next + (uint)count) & _mask) * MemifRingLayout.DescriptorLength);
            ulong word = *(ulong*)descriptor;
            uint offset = *(uint*)(descriptor + 8);
            if (!TryLocate(word, offset, out MemifFrame frame))
                return 0;
            more = (word & MemifNumbers.Next) != 0;
            total += frame.Length;
            longest = Math.Max(longest, frame.Length);
            if (count < MaxPieces)
                frames[count] = frame;
        }

        if (count > MaxPieces || total > MemifFrame.MaxLength || total < MemifFrame.MinLength)
        {
            Counters->Errors++;
        }
        else if (longest <= _room)
        {
            if (!TryChain(frames, count, (uint)total, out packet))
                return 0;
            _next += (ushort)count;
            return count;
        }
        else if (!TryCopy(frames, count, (uint)total, out packet))
        {
            return 0;
        }

        Skip(count);
        return count;
    }

    private bool TryLocate(ulong word, uint offset, out MemifFrame frame)
    {
        uint region = (ushort)(word >> 16);
        uint length = (uint)(word >> 32);
        frame = default;
        if (region >= _regionCount)
        {
            Break($"named region {region} in a descriptor of {Name}; it has shared {_regionCount}");
            return false;
        }

        if (offset + (ulong)length > _regions[region].Length)
        {
            Break($"put {length} bytes at offset {offset} of region {region} into {Name}; the region has {_regions[region].Length}");
            return false;
        }

        frame = new MemifFrame { Data = _regions[region].Address + offset, Length = length };
        return true;
    }

    /// <summary>A packet whose segments each refer to a piece.</summary>
    private bool TryChain(MemifFrame* pieces, int count, uint total, out Packet packet)
    {
        packet = default;
        Span<Packet> segments = ScratchPackets[..count];
        if (!_pool.TryAllocateRaw(segments))
        {
            Counters->NoMbuf++;
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            Lend(segments[i].Mbuf, pieces[i].Data, pieces[i].Length);
            if (i != 0)
                segments[i - 1].Mbuf->Next = segments[i].Mbuf;
        }

        packet = segments[0];
        packet.Mbuf->SegmentCount = (ushort)count;
        packet.Mbuf->PacketLength = total;
        return true;
    }

    /// <summary>A packet of our buffers, for a frame that is in longer pieces than those.</summary>
    private bool TryCopy(MemifFrame* pieces, int count, uint total, out Packet packet)
    {
        if (!ChainedPacket.TryAllocate(_pool, _rearm, (int)total, out packet))
        {
            Counters->NoMbuf++;
            return false;
        }

        var writer = new ChainWriter(packet);
        for (int i = 0; i < count; i++)
            writer.Append(pieces[i].Data, (int)pieces[i].Length);
        return true;
    }

    /// <summary>The next descriptors are done with.</summary>
    private void Skip(int count)
    {
        _next += (ushort)count;
        if (_returns!.Outstanding == 0)
        {
            _released += (ushort)count;
            return;
        }

        for (int i = 0; i < count; i++)
            _returns.MarkReturned(_returns.Take());
    }

    /// <summary>Lets the peer have what was released.</summary>
    /// <param name="from">The first of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GiveBack(ushort from)
    {
        if (TSide.IsServer)
        {
            Volatile.Write(ref *_ring.Tail, _released);
            return;
        }

        Post(from, (ushort)(_released - from));
        Volatile.Write(ref *_ring.Head, (ushort)(_released + _ring.Size));
    }

    /// <summary>Client: makes the descriptors of empty buffers. Nothing that the peer wrote into them stays.</summary>
    private void Post(ushort from, int count)
    {
        for (uint i = 0; i < (uint)count; i++)
        {
            uint slot = (from + i) & _mask;
            var descriptor = (ulong*)(_ring.Descriptors + (slot * MemifRingLayout.DescriptorLength));
            descriptor[0] = (ulong)_bufferSize << 32;
            descriptor[1] = _buffersOffset + (slot * _bufferStride);
        }
    }

    private string Name => $"{(TSide.IsServer ? "C2S" : "S2C")} ring {Index}";

    private void Break(string rule)
    {
        _isBroken = true;
        _link!.Report(rule);
    }
}

/// <summary>A frame, or a piece of one, in shared memory.</summary>
internal unsafe struct MemifFrame
{
    /// <summary>The shortest that can be called a frame: an Ethernet header.</summary>
    public const uint MinLength = 14;

    /// <summary>The longest: an IP packet in an Ethernet frame with two VLAN tags.</summary>
    public const uint MaxLength = ushort.MaxValue + 22;

    /// <summary>
    /// Most descriptors of one: 64 KiB in buffers of 64 bytes. One that is not complete is looked at again with every burst, from
    /// its start, which must not cost more and more.
    /// </summary>
    public const int MostDescriptors = 1024;

    public byte* Data;
    public uint Length;
}
