using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>Receives from a transmit ring of a guest, as its queue and its session handle it.</summary>
internal abstract class VhostReceiver : IDisposable
{
    /// <summary>Where the ring stands, when everything went back.</summary>
    public abstract uint Position { get; }

    /// <summary>What the guest did wrong; the ring is left alone then.</summary>
    public abstract RingViolation Violation { get; }

    /// <summary>Whether the guest has all of its buffers back.</summary>
    public abstract bool IsIdle { get; }

    /// <summary>What packets call back into, for <see cref="PeerLoop.Retire"/>, whose it is.</summary>
    public abstract IRetirable Held { get; }

    /// <summary>What the guest is notified by; null if it polls. Changed by the control thread, while the gate is closed.</summary>
    public EventFd? Call { get; set; }

    /// <summary>Takes packets; see <see cref="RxQueue.Receive"/>.</summary>
    public abstract unsafe int Receive(Span<Packet> burst, QueueCounters* counters);

    /// <summary>Lets the guest kick when it sends. False if it has sent, or never kicks.</summary>
    public abstract bool TryArm();

    /// <summary>Lets the guest be silent again.</summary>
    public abstract void Disarm();

    /// <summary>Gives back what no packet refers to. By the control thread, while the gate is closed.</summary>
    public abstract void Flush();

    /// <summary>Gives everything back, also what packets refer to. By the control thread, while the gate is closed.</summary>
    public abstract void FlushAll();

    /// <summary>Gives back all but <see cref="Held"/>.</summary>
    public abstract void Dispose();
}

/// <inheritdoc/>
/// <remarks>
/// A short frame is copied as a whole, and the guest has its buffer back at once. Of a longer one the first bytes are
/// copied, which programs change (the guest's buffers are only lent for reading); the rest stays in the guest's memory, in
/// a second segment, until the packet is freed. A frame in several pieces is copied.
/// </remarks>
/// <typeparam name="TRing">Split or packed.</typeparam>
internal sealed unsafe class VhostReceiver<TRing> : VhostReceiver
    where TRing : struct, IDeviceRing<TRing>
{
    /// <summary>Buffers that are taken in one go.</summary>
    private const int Batch = 64;

    /// <summary>Frames of up to so many bytes are copied as a whole: beyond, a second mbuf is cheaper than the rest of the copy.</summary>
    private const int CopiedWhole = FrameCopy.ShortLength;

    /// <summary>Where the second cache line of a buffer starts that is read of any frame.</summary>
    private const int SecondLine = 64;

    /// <summary>Bytes that are copied of longer ones: all headers that a program may want to change.</summary>
    private const int CopiedHead = 128;

    /// <summary>The shortest that can be called a frame.</summary>
    private const int EthernetHeaderLength = 14;

    private readonly AlignedMemory _scratch = new((nuint)(Batch * (sizeof(DeviceBuffer) + (2 * sizeof(Packet)))));
    private readonly HeldBuffers _held;
    private readonly Mempool _pool;
    private readonly ulong _rearm;
    private readonly uint _headerLength;
    private readonly uint _copied;
    private readonly uint _longest;
    private readonly bool _isLinear;
    private readonly bool _stripsVlan;
    private readonly bool _hasChecksums;
    private readonly bool _isKicked;
    private readonly DevicePiece* _pieces;
    private readonly EventFd _trouble;
    private readonly InflightLog? _log;
#pragma warning disable IDE0044 // Its methods change it.
    private TRing _ring;
#pragma warning restore IDE0044

    public VhostReceiver(VhostRingOptions options, VhostReceiverOptions receiver)
    {
        _pool = receiver.Pool;
        _rearm = Mbuf.RearmValue(receiver.PortId, _pool);
        _headerLength = (uint)options.HeaderLength;
        _isLinear = receiver.IsLinear;
        _copied = (uint)(_isLinear ? _pool.DataRoom : Math.Min(CopiedWhole, _pool.DataRoom));

        // An external segment is never longer than the data room of its own mbuf: see ExternalData.BringHome.
        _longest = (uint)(_isLinear || _pool.DataRoom < CopiedHead ? 0 : CopiedHead + _pool.DataRoom);
        _stripsVlan = receiver.StripsVlan;
        _isKicked = receiver.Interrupt is not null;
        _hasChecksums = options.Has(VirtioFeatures.NetCsum);
        _pieces = (DevicePiece*)options.Ring.Pieces;
        Call = options.Call;
        _trouble = options.Trouble;
        _log = options.Log;
        _held = new HeldBuffers(options.Ring.Size, keepsOrder: options.Has(VirtioFeatures.InOrder));
        _ring = TRing.Create(options.Ring);
    }

    public override uint Position => _ring.Position;

    public override RingViolation Violation => _ring.Violation;

    public override bool IsIdle => _held.IsEmpty;

    public override IRetirable Held => _held;

    private DeviceBuffer* Buffers => (DeviceBuffer*)_scratch.Address;

    private Span<Packet> Fresh => new(Buffers + Batch, 2 * Batch);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst, QueueCounters* counters)
    {
        if (!_held.IsEmpty)
            ReturnHeld();
        uint kept = _held.End;
        int received = 0;
        if (_ring.Violation == RingViolation.None)
        {
            int taken = _ring.Take(Buffers, Math.Min(Math.Min(burst.Length, Batch), _held.Room), DescriptorFlags.None);
            if (taken != 0)
                received = Accept(taken, burst, counters);
            if (_ring.Violation != RingViolation.None)
                _trouble.Signal();
        }

        Publish();
        if (_log is not null && _held.End != kept)
            WriteDown(kept);
        return received;
    }

    public override bool TryArm() => _isKicked && _ring.TryRequestNotification();

    public override void Disarm() => _ring.SuppressNotifications();

    public override void Flush()
    {
        ReturnHeld();
        Publish();
    }

    public override void FlushAll()
    {
        while (_held.TryTakeAny(out uint token))
        {
            _ring.Return(token, 0);
            _log?.Add(token);
        }

        Publish();
    }

    public override void Dispose() => _scratch.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ReturnHeld()
    {
        if (_log is not null)
        {
            ReturnWrittenDown(_log);
            return;
        }

        while (_held.TryTake(out uint token))
            _ring.Return(token, 0);
    }

    /// <summary>As <see cref="ReturnHeld"/>, and shows it to the guest: nothing else may go back in the same batch.</summary>
    private void ReturnWrittenDown(InflightLog log)
    {
        bool any = false;
        while (_held.TryTake(out uint token))
        {
            _ring.Return(token, 0);
            log.Add(token);
            any = true;
        }

        if (any)
            Publish();
    }

    /// <summary>Writes down what this burst leaves in the guest's memory. The guest has seen what went back before it.</summary>
    /// <param name="start">Where the first of it is held.</param>
    private void WriteDown(uint start)
    {
        for (uint place = start; place != _held.End; place++)
            _log!.Add(_held.TokenAt(place));
        _log!.Keep(ref _ring);
    }

    /// <summary>Lets the guest see what went back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Publish()
    {
        if (_log is null ? _ring.Publish() : _log.Publish(ref _ring))
            Call?.Signal();
    }

    /// <summary>Makes packets of buffers.</summary>
    /// <param name="taken">How many there are.</param>
    /// <param name="burst">Gets the packets.</param>
    /// <param name="counters">Of the queue.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Accept(int taken, Span<Packet> burst, QueueCounters* counters)
    {
        DeviceBuffer* buffers = Buffers;
        Span<Packet> fresh = Fresh;
        int needed = CountMbufs(buffers, taken);
        while (!_pool.TryAllocateRaw(fresh[..needed]))
        {
            // The last few of a pool are better than none.
            counters->NoMbuf++;
            int fewer = taken > 1 ? taken / 4 : 0;
            _ring.Untake(buffers + fewer, taken - fewer);
            taken = fewer;
            if (taken == 0)
                return 0;
            needed = CountMbufs(buffers, taken);
        }

        uint headerLength = _headerLength;
        uint copied = _copied;
        uint longest = _longest;
        int used = 0;
        int received = 0;
        ulong bytes = 0;
        for (int i = 0; i < taken; i++)
        {
            DeviceBuffer* buffer = buffers + i;
            byte* frame = buffer->Data + headerLength;
            uint length = buffer->Length - headerLength;
            Mbuf* mbuf;
            if (buffer->PieceCount != 1 || buffer->Length < headerLength + EthernetHeaderLength || *(ushort*)buffer->Data != 0)
            {
                mbuf = CopyUnusual(*buffer, counters);
                Return(buffer->Token);
                if (mbuf == null)
                    continue;
            }
            else if (length <= copied)
            {
                mbuf = fresh[used++].Mbuf;
                Mbuf.SetReceived(mbuf, _rearm, (int)length);
                FrameCopy.Any(frame, Mbuf.OwnBuffer(mbuf) + Mbuf.DefaultHeadroom, length);
                Return(buffer->Token);
            }
            else if (length <= longest)
            {
                mbuf = fresh[used++].Mbuf;
                if (!TryLeave(mbuf, fresh[used++].Mbuf, frame, length, buffer->Token))
                {
                    used -= 2;
                    continue;
                }
            }
            else
            {
                mbuf = CopyUnusual(*buffer, counters);
                Return(buffer->Token);
                if (mbuf == null)
                    continue;
            }

            if (_stripsVlan)
                VlanTagging.Strip(mbuf);
            bytes += mbuf->PacketLength;
            burst[received++] = new Packet(mbuf);
        }

        if (used != needed)
            _pool.FreeRaw(fresh[used..needed]);
        counters->Packets += (uint)received;
        counters->Bytes += bytes;
        return received;
    }

    /// <summary>How many mbufs buffers take; what is unusual takes its own. The start of each is on its way into the caches then.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int CountMbufs(DeviceBuffer* buffers, int count)
    {
        uint both = _copied + _headerLength;
        int mbufs = count;
        for (int i = 0; i < count; i++)
        {
            FrameCopy.Prefetch(buffers[i].Data);
            FrameCopy.Prefetch(buffers[i].Data + SecondLine);
            mbufs += buffers[i].Length > both ? 1 : 0;
        }

        return mbufs;
    }

    /// <summary>Copies the start of a frame and leaves the rest where it is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryLeave(Mbuf* head, Mbuf* rest, byte* frame, uint length, uint token)
    {
        uint id = (ushort)token;
        if (_held.IsOut(id))
        {
            // It has not got it back: whoever has the packet would see two frames in one place.
            Return(token);
            return false;
        }

        Mbuf.SetReceived(head, _rearm, CopiedHead);
        Unsafe.CopyBlockUnaligned(Mbuf.OwnBuffer(head) + Mbuf.DefaultHeadroom, frame, CopiedHead);
        Mbuf.SetReceived(rest, _rearm, 0);
        new Packet(rest).AttachExternal(frame + CopiedHead, (ushort)(length - CopiedHead), Mbuf.NoIova, _held.Owner, id);
        head->Next = rest;
        head->SegmentCount = 2;
        head->PacketLength = length;
        _held.SetOut(id);
        _held.Hold(token);
        return true;
    }

    /// <summary>Gives a buffer back now, or behind those that came before it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Return(uint token)
    {
        if (_held.IsEmpty)
            _ring.Return(token, 0);
        else
            _held.Hold(token);
    }

    /// <summary>Copies a frame that has several pieces, is long, or asks for something in its header.</summary>
    /// <returns>Null if it is dropped.</returns>
    private Mbuf* CopyUnusual(DeviceBuffer buffer, QueueCounters* counters)
    {
        var whole = new DevicePiece { Data = buffer.Data, Length = buffer.Length };
        var reader = new DeviceReader(buffer.PieceCount > 1 ? _pieces : &whole, buffer.PieceCount);
        VirtioNetHeader header = default;
        bool isFrame = reader.Left >= _headerLength + EthernetHeaderLength;
        if (isFrame)
            reader.Read((byte*)&header, _headerLength);
        ulong left = reader.Left;
        bool isWanted = isFrame && header.GsoType == 0 && left <= (_isLinear ? (uint)_pool.DataRoom : ushort.MaxValue);
        if (!isWanted)
        {
            counters->Errors++;
            return null;
        }

        if (!ChainedPacket.TryAllocate(_pool, _rearm, (int)left, out Packet packet))
        {
            counters->NoMbuf++;
            return null;
        }

        for (Mbuf* segment = packet.Mbuf; segment != null; segment = segment->Next)
            reader.Read(segment->Buffer + segment->DataOffset, segment->DataLength);
        if ((header.Flags & VirtioNetHeader.NeedsChecksum) == 0)
            return packet.Mbuf;
        if (_hasChecksums && ChecksumCompletion.TryComplete(packet.Mbuf, header.ChecksumStart, header.ChecksumOffset))
        {
            packet.Mbuf->Flags |= MbufFlags.RxL4ChecksumGood;
            return packet.Mbuf;
        }

        packet.Free();
        counters->Errors++;
        return null;
    }
}
