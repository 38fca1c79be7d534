using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Sends by one copy into the buffers of a ring in shared memory: straight from wherever the frame lies, which may be
/// the memory of another peer. Frames that are longer than a buffer are chained.
/// </summary>
/// <remarks>
/// A first pass checks the descriptors of the buffers and asks for their first bytes, a second one copies. The index is
/// moved once per call, and the peer is woken only if it does not poll.
/// </remarks>
/// <typeparam name="TSide">Server: the ring is S2C and has the client's buffers, else it is C2S and has our own.</typeparam>
internal sealed unsafe class MemifTxQueue<TSide> : TxQueue, IMemifQueue, IDisposable
    where TSide : struct, IMemifSide
{
    /// <summary>Frames per pass.</summary>
    private const int Batch = 64;

    /// <summary>Buffers that are asked for before they are filled: those of a usual burst.</summary>
    private const int AheadFrames = 32;

    /// <summary>Most buffers of a frame; what needs more is dropped.</summary>
    private const int MaxPieces = 256;

    private readonly QueueGate _gate = new();
    private readonly AlignedMemory _scratch = new((nuint)(MaxPieces * sizeof(Target)));
    private readonly uint _bufferSize;
    private readonly uint _bufferStride;

    // Of the connection: set while the gate is closed.
    private MemifQueueLink? _link;
    private MemifRing _ring;
    private MemifRegion* _regions;
    private uint _regionCount;
    private uint _mask;
    private uint _buffersOffset;
    private EventFd? _kick;
    private bool _isBroken;
    private bool _wakes;
    private ushort _next;
    private ushort _seen;

    /// <param name="context">Of the port.</param>
    /// <param name="options">Of the port.</param>
    public MemifTxQueue(TxQueueContext context, MemifOptions options)
        : base(context)
    {
        _bufferSize = (uint)options.BufferSize;
        _bufferStride = options.BufferStride;
    }

    public EventFd? Event { get; private set; } = TSide.IsServer ? null : new EventFd(isShared: true);

    private enum Added
    {
        Yes,

        /// <summary>There are not enough buffers now.</summary>
        NotNow,

        /// <summary>It is no frame, or there are never enough buffers.</summary>
        Never,
    }

    public void RenewKick()
    {
        var next = new EventFd(isShared: true);
        Event?.Dispose();
        Event = next;
    }

    public void Attach(MemifQueueLink link)
    {
        _link = link;
        _ring = link.Ring;
        _regions = link.Regions;
        _regionCount = (uint)link.RegionCount;
        _mask = (uint)link.Ring.Size - 1;
        _buffersOffset = link.BuffersOffset;
        _kick = Event ?? link.Kick;
        _isBroken = false;
        _wakes = false;
        _next = 0;
        _seen = 0;
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
        _link = null;
        _regions = null;
        _ring = default;
        _kick = null;
    }

    public void Dispose()
    {
        Event?.Dispose();
        _scratch.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (!_gate.TryEnter())
            return 0;
        int sent = _isBroken ? 0 : Put(burst);
        _gate.Leave();
        Packet.Free(burst[..sent]);
        return sent;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Put(ReadOnlySpan<Packet> burst)
    {
        // The index is read only when what was seen of it does not do: the peer keeps writing its line.
        int free = Free;
        if (free < burst.Length && !TryReadFree(out free))
            return 0;

        ushort start = _next;
        int done = 0;
        int refused = 0;
        ulong bytes = 0;
        while (done < burst.Length)
        {
            int plain = Locate(burst[done..], Math.Min(free, Batch));
            if (plain != 0)
            {
                bytes += Copy(burst.Slice(done, plain));
                done += plain;
                free -= plain;
                continue;
            }

            Added added = AddUnusual(burst[done].Mbuf, ref free);
            if (added == Added.NotNow)
                break;
            if (added == Added.Never)
                refused++;
            else
                bytes += burst[done].Mbuf->PacketLength;
            done++;
        }

        if (_next != start)
            Publish();
        LookAhead(free);
        Counters->Packets += (uint)(done - refused);
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        return done;
    }

    /// <summary>Reads the peer's index.</summary>
    private bool TryReadFree(out int free)
    {
        _seen = Volatile.Read(ref *(TSide.IsServer ? _ring.Head : _ring.Tail));
        free = Free;
        if ((uint)free <= (uint)_ring.Size)
            return true;
        Break($"moved the index of {Name} by {free}, beyond its {_ring.Size} descriptors");
        free = 0;
        return false;
    }

    /// <summary>Asks for the first bytes of the buffers that the next call will fill, and for the descriptors behind those.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LookAhead(int free)
    {
        byte* descriptors = _ring.Descriptors;
        MemifRegion* regions = _regions;
        uint mask = _mask;
        uint next = _next;
        uint frames = (uint)Math.Min(free, AheadFrames);
        for (uint i = 0; i < frames; i++)
        {
            byte* descriptor = descriptors + (((next + i) & mask) * MemifRingLayout.DescriptorLength);
            byte region = descriptor[2];
            uint offset = *(uint*)(descriptor + 8);
            FrameCopy.Prefetch(regions[region].Address + offset);
        }

        uint end = (uint)Math.Min(free, 2 * AheadFrames);
        for (uint i = frames; i < end; i += 4)
            FrameCopy.Prefetch(descriptors + (((next + i) & mask) * MemifRingLayout.DescriptorLength));
    }

    /// <summary>Finds a buffer for each packet, up to the first that needs more than one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Locate(ReadOnlySpan<Packet> burst, int count)
    {
        var targets = (Target*)_scratch.Address;
        count = Math.Min(count, burst.Length);
        for (int i = 0; i < count; i++)
        {
            Mbuf* mbuf = burst[i].Mbuf;
            if (!TryReadTarget((uint)i, out Target target))
                return i;
            bool isPlain = mbuf->SegmentCount == 1 && mbuf->DataLength - MemifFrame.MinLength <= target.Room - MemifFrame.MinLength;
            if (!isPlain || target.Room < MemifFrame.MinLength)
                return i;
            FrameCopy.Prefetch(target.Data);
            targets[i] = target;
        }

        return count;
    }

    /// <summary>Reads a descriptor, once, and says where its buffer is.</summary>
    /// <param name="index">Counted from the next descriptor.</param>
    /// <param name="target">The buffer.</param>
    /// <returns>False if the descriptor is wrong.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryReadTarget(uint index, out Target target)
    {
        uint slot = (_next + index) & _mask;
        var descriptor = (ulong*)(_ring.Descriptors + (slot * MemifRingLayout.DescriptorLength));
        if (!TSide.IsServer)
        {
            target.Descriptor = descriptor;
            target.Offset = _buffersOffset + (slot * _bufferStride);
            target.Data = _regions[0].Address + target.Offset;
            target.Region = 0;
            target.Room = _bufferSize;
            return true;
        }

        ulong word = descriptor[0];
        uint offset = (uint)descriptor[1];
        uint region = (ushort)(word >> 16);
        uint room = (uint)(word >> 32);
        if (region >= _regionCount || offset + (ulong)room > _regions[region].Length)
        {
            target = default;
            return false;
        }

        target.Descriptor = descriptor;
        target.Offset = offset;
        target.Data = _regions[region].Address + offset;
        target.Region = region;
        target.Room = room;
        return true;
    }

    /// <summary>Copies packets of one segment into the buffers that were located.</summary>
    /// <returns>Bytes of all of them.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ulong Copy(ReadOnlySpan<Packet> packets)
    {
        var targets = (Target*)_scratch.Address;
        ulong bytes = 0;
        for (int i = 0; i < packets.Length; i++)
        {
            Mbuf* mbuf = packets[i].Mbuf;
            uint length = mbuf->DataLength;
            int later = Math.Min(i + 1, packets.Length - 1);
            Mbuf* next = packets[later].Mbuf;
            FrameCopy.Any(
                mbuf->Buffer + mbuf->DataOffset, targets[i].Data, length, next->Buffer + next->DataOffset, targets[later].Data);
            targets[i].Write(length, 0);
            bytes += length;
        }

        _next += (ushort)packets.Length;
        return bytes;
    }

    /// <summary>Adds a packet that has several segments or needs several buffers.</summary>
    private Added AddUnusual(Mbuf* mbuf, ref int free)
    {
        uint length = mbuf->PacketLength;
        if (length < MemifFrame.MinLength)
            return Added.Never;

        // All of the buffers first: one that is given up half-way would have the wrong length the next time.
        var targets = (Target*)_scratch.Address;
        ulong room = 0;
        int count = 0;
        for (; room < length; count++)
        {
            if (count == MaxPieces || count == _ring.Size)
                return Added.Never;
            if (count == free && (!TryReadFree(out free) || count == free))
                return Added.NotNow;
            if (!TryReadTarget((uint)count, out targets[count]))
            {
                Break($"put a buffer into {Name} that is outside of the regions it has shared");
                return Added.NotNow;
            }

            room += targets[count].Room;
        }

        var reader = new SegmentReader(mbuf);
        for (int i = 0; i < count; i++)
        {
            uint part = Math.Min(length, targets[i].Room);
            length -= part;
            reader.CopyTo(targets[i].Data, part);
            targets[i].Write(part, length != 0 ? MemifNumbers.Next : (ushort)0);
        }

        _next += (ushort)count;
        free -= count;
        return Added.Yes;
    }

    /// <summary>Lets the peer have what was copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Publish()
    {
        Volatile.Write(ref *(TSide.IsServer ? _ring.Tail : _ring.Head), _next);
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
        _kick?.Signal();
    }

    /// <summary>Buffers that there are, by what was seen of the peer's index.</summary>
    private int Free
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TSide.IsServer ? (ushort)(_seen - _next) : _ring.Size - (ushort)(_next - _seen);
    }

    private string Name => $"{(TSide.IsServer ? "S2C" : "C2S")} ring {Index}";

    private void Break(string rule)
    {
        _isBroken = true;
        _link!.Report(rule);
    }

    /// <summary>A buffer of the ring.</summary>
    private struct Target
    {
        public byte* Data;
        public ulong* Descriptor;
        public uint Room;
        public uint Offset;
        public uint Region;

        /// <summary>Says what is in the buffer now.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly void Write(uint length, ushort flags)
        {
            Descriptor[0] = ((ulong)length << 32) | ((ulong)Region << 16) | flags;
            Descriptor[1] = Offset;
        }
    }
}
