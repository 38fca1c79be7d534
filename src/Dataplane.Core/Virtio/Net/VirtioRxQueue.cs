using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>A receive queue of a virtio network device, whatever its ring is.</summary>
internal abstract class VirtioRxQueue(RxQueueContext context) : RxQueue(context), IVirtioQueue
{
    /// <inheritdoc/>
    public abstract VirtqueueAddresses Addresses { get; }

    /// <inheritdoc/>
    public abstract int Size { get; }

    /// <inheritdoc/>
    public abstract ulong Violations { get; }

    /// <inheritdoc/>
    public void Start()
    {
        if (TryStart())
            return;
        Stop();
        throw new DataplaneException(
            $"The mempool {Pool.Name} has only {Pool.Statistics.Available} buffers left for the {Size} descriptors of rx queue {Index}",
            "make the mempool larger or the queue smaller");
    }

    /// <summary>As <see cref="Start"/>, with what buffers there are; the rest follows when the mempool has them.</summary>
    /// <returns>Whether there were enough.</returns>
    public abstract bool TryStart();

    /// <inheritdoc/>
    public abstract void Kick();

    /// <inheritdoc/>
    public abstract void Stop();

    /// <summary>Stops, if need be, and gives the ring's memory back.</summary>
    public abstract void Dispose();

    /// <summary>Where buffers come from.</summary>
    protected Mempool Pool { get; } = context.Pool;
}

/// <summary>
/// Receives into buffers that each are one descriptor: the header of virtio lies in the headroom, so that the frame starts
/// where every port's does. Frames that span several buffers (VIRTIO_NET_F_MRG_RXBUF) come as chained packets.
/// </summary>
/// <remarks>
/// What the device writes is not trusted. An id is the ring's to check; here a length is checked against what was posted and
/// a number of buffers against the ring. What does not fit is dropped and counts as an error.
/// </remarks>
/// <typeparam name="TRing">Split or packed.</typeparam>
/// <typeparam name="TNotifier">How the device is told that there are buffers.</typeparam>
internal sealed unsafe class VirtioRxQueue<TRing, TNotifier> : VirtioRxQueue
    where TRing : struct, IDriverRing<TRing>
    where TNotifier : struct, IVirtqueueNotifier
{
    /// <summary>Buffers that are taken, or posted, in one go.</summary>
    private const int Batch = 64;

    /// <summary>The shortest that can be called a frame.</summary>
    private const int EthernetHeaderLength = 14;

    /// <summary>Where a buffer that is posted starts.</summary>
    private const int PostedOffset = Mbuf.DefaultHeadroom - VirtioNetHeader.Length;

    private readonly VirtqueueMemory<TRing> _memory;
    private readonly AlignedMemory _scratch = new((nuint)(Batch * sizeof(UsedBuffer)));
    private readonly BufferAddresses _addresses;
    private readonly EventFd? _interrupt;
    private readonly ulong _rearm;
    private readonly uint _postedLength;
    private readonly int _refillAt;
    private readonly bool _isMergeable;
    private readonly bool _isInOrder;
    private readonly bool _checksChecksums;
    private readonly bool _stripsVlan;
    private readonly TNotifier _notifier;
    private TRing _ring;
    private ulong _violations;
    private bool _isRunning;

    // A frame of which buffers are still to come.
    private PartialPacket _partial;

    /// <param name="context">Of the port.</param>
    /// <param name="portId">Of the port.</param>
    /// <param name="options">Of the ring.</param>
    /// <param name="notifier">Of the device.</param>
    /// <param name="interrupt">What the device signals; null without interrupts. The port's.</param>
    public VirtioRxQueue(RxQueueContext context, int portId, VirtqueueOptions options, TNotifier notifier, EventFd? interrupt)
        : base(context)
    {
        _rearm = Mbuf.RearmValue(portId, Pool);
        _postedLength = (uint)(VirtioNetHeader.Length + Pool.DataRoom);
        _refillAt = Math.Clamp(options.Size / 4, 1, 32);
        _isMergeable = (options.Features & VirtioFeatures.NetMrgRxbuf) != 0;
        _isInOrder = (options.Features & VirtioFeatures.InOrder) != 0;
        _checksChecksums = (options.Features & VirtioFeatures.NetGuestCsum) != 0;
        _stripsVlan = (context.Offloads & PortOffloads.RxVlanStrip) != 0;
        _addresses = new BufferAddresses(options);
        _notifier = notifier;
        _interrupt = interrupt;
        Size = options.Size;
        _memory = new VirtqueueMemory<TRing>(options, extra: 0);
    }

    public override VirtqueueAddresses Addresses => _memory.Addresses;

    public override int Size { get; }

    public override ulong Violations => Volatile.Read(ref _violations);

    internal override EventFd? Interrupt => _interrupt;

    public override bool TryStart()
    {
        _ring = _memory.CreateRing();
        _isRunning = true;
        Refill();
        _ring.Publish();
        return _ring.Free == 0;
    }

    public override void Kick() => _notifier.Notify(_ring.Position);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        int received = Take(burst);

        // What is left of a frame may be there although the burst was too short to take it.
        while (_partial.Missing != 0 && received < burst.Length)
        {
            int missing = _partial.Missing;
            received += Take(burst[received..]);
            if (_partial.Missing == missing)
                break;
        }

        if (_ring.Free >= _refillAt)
            RefillAndNotify();
        return received;
    }

    internal override bool TryArmInterrupt() => _ring.TryRequestInterrupt();

    internal override void DisarmInterrupt() => _ring.SuppressInterrupts();

    public override void Stop()
    {
        if (!_isRunning)
            return;
        _isRunning = false;
        foreach (nint token in _memory.Slots.TakeAll())
            new Packet((Mbuf*)token).Free();
        _partial.Drop();
    }

    public override void Dispose()
    {
        Stop();
        _memory.Dispose();
        _scratch.Dispose();
    }

    /// <summary>Takes as many buffers as there are and as there is room for packets.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(Span<Packet> burst)
    {
        var used = (UsedBuffer*)_scratch.Address;
        ulong violations = _violations;
        int taken = _ring.TakeUsed(used, Math.Min(burst.Length, Batch), ref _violations);
        Counters->Errors += _violations - violations;
        int received = 0;
        ulong bytes = 0;
        for (int i = 0; i < taken; i++)
        {
            var mbuf = (Mbuf*)used[i].Token;
            uint written = used[i].Written;
            if (written == UsedBuffer.All && _isInOrder)
                written = _postedLength;
            if (IsWhole(mbuf, written))
                Mbuf.SetReceived(mbuf, _rearm, (int)written - VirtioNetHeader.Length);
            else if (!TryAssemble(ref mbuf, written))
                continue;

            if ((_checksChecksums || _stripsVlan) && !TryFinish(mbuf))
                continue;
            bytes += mbuf->PacketLength;
            burst[received++] = new Packet(mbuf);
        }

        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
        return received;
    }

    /// <summary>Whether a buffer is a frame of its own.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsWhole(Mbuf* mbuf, uint written)
    {
        bool isPossible = written - (VirtioNetHeader.Length + EthernetHeaderLength)
            <= _postedLength - (VirtioNetHeader.Length + EthernetHeaderLength);
        return isPossible && (!_isMergeable || (HeaderOf(mbuf)->NumBuffers == 1 && _partial.Missing == 0));
    }

    /// <summary>The header as the device wrote it, in front of the first buffer's data.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static VirtioNetHeader* HeaderOf(Mbuf* mbuf) => (VirtioNetHeader*)(Mbuf.OwnBuffer(mbuf) + PostedOffset);

    /// <summary>Takes a buffer that is a part of a frame, or is wrong.</summary>
    /// <returns>Whether the frame is complete; the parameter is its first buffer then.</returns>
    private bool TryAssemble(ref Mbuf* mbuf, uint written)
    {
        if (_partial.Missing != 0)
        {
            _partial.Append(mbuf, written > _postedLength ? 0 : written, _rearm, PostedOffset);
        }
        else
        {
            int buffers = _isMergeable ? HeaderOf(mbuf)->NumBuffers : 0;
            bool isPossible = written >= VirtioNetHeader.Length + EthernetHeaderLength && written <= _postedLength
                && buffers > 1 && buffers <= Size;
            if (!isPossible)
            {
                new Packet(mbuf).Free();
                Counters->Errors++;
                return false;
            }

            Mbuf.SetReceived(mbuf, _rearm, (int)written - VirtioNetHeader.Length);
            _partial.Begin(mbuf, buffers);
        }

        if (_partial.Missing != 0)
            return false;
        mbuf = _partial.Take();
        if (mbuf != null && mbuf->PacketLength <= VirtioNetFrames.MaxLength)
            return true;
        if (mbuf != null)
            new Packet(mbuf).Free();
        Counters->Errors++;
        return false;
    }

    /// <summary>Does what the frame's header and the configuration ask for.</summary>
    /// <returns>False if the frame could not be finished; it is gone then.</returns>
    private bool TryFinish(Mbuf* mbuf)
    {
        if (_checksChecksums && !TryFinishChecksum(mbuf))
        {
            new Packet(mbuf).Free();
            Counters->Errors++;
            return false;
        }

        if (_stripsVlan)
            VlanTagging.Strip(mbuf);
        return true;
    }

    private static bool TryFinishChecksum(Mbuf* mbuf)
    {
        VirtioNetHeader header = *HeaderOf(mbuf);
        bool needsChecksum = (header.Flags & VirtioNetHeader.NeedsChecksum) != 0;
        if (needsChecksum && !ChecksumCompletion.TryComplete(mbuf, header.ChecksumStart, header.ChecksumOffset))
            return false;
        if (needsChecksum || (header.Flags & VirtioNetHeader.DataValid) != 0)
            mbuf->Flags |= MbufFlags.RxL4ChecksumGood;
        return true;
    }

    private void RefillAndNotify()
    {
        if (Refill() && _ring.Publish())
            _notifier.Notify(_ring.Position);
    }

    /// <summary>Posts buffers while there are free descriptors and buffers in the pool.</summary>
    /// <returns>Whether any was posted.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Refill()
    {
        Span<Packet> fresh = new((Packet*)_scratch.Address, Batch);
        BufferAddresses addresses = _addresses;
        bool any = false;
        for (int wanted = Math.Min(_ring.Free, Batch); wanted != 0; wanted = Math.Min(_ring.Free, wanted))
        {
            if (!Pool.TryAllocateRaw(fresh[..wanted]))
            {
                // The last few of a pool are better than none: a ring that has run dry would never be filled again.
                Counters->NoMbuf++;
                wanted = _ring.InFlight == 0 ? wanted / 2 : 0;
                continue;
            }

            for (int i = 0; i < wanted; i++)
            {
                Mbuf* mbuf = fresh[i].Mbuf;
                _ring.Add((nint)mbuf, addresses.Of(mbuf) + PostedOffset, _postedLength, DescriptorFlags.Write);
            }

            any = true;
        }

        return any;
    }
}
