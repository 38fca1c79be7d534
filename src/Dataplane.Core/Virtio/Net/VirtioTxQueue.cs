using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>A transmit queue of a virtio network device, whatever its ring is.</summary>
internal abstract class VirtioTxQueue(TxQueueContext context) : TxQueue(context), IVirtioQueue
{
    /// <inheritdoc/>
    public abstract VirtqueueAddresses Addresses { get; }

    /// <inheritdoc/>
    public abstract int Size { get; }

    /// <inheritdoc/>
    public abstract ulong Violations { get; }

    /// <inheritdoc/>
    public abstract void Start();

    /// <inheritdoc/>
    public abstract void Kick();

    /// <summary>Gives back what the device has sent. No lcore sends any more.</summary>
    /// <returns>How many packets the device still has.</returns>
    public abstract int Clean();

    /// <inheritdoc/>
    public abstract void Stop();

    /// <summary>Stops, if need be, and gives the ring's memory back.</summary>
    public abstract void Dispose();
}

/// <summary>
/// Sends packets as they lie: the header of virtio goes into the headroom in front of the data, so that a packet of one
/// segment is one descriptor. Without headroom, and with several segments, it is a table of descriptors
/// (VIRTIO_F_INDIRECT_DESC) or a chain.
/// </summary>
/// <remarks>
/// The device is notified once per call, and only if it wants to be. What it has sent is taken back every
/// <see cref="CleanEvery"/> packets: until then its index, which it keeps writing, is not read. Not much later, so that few
/// buffers are in use, which stay in the caches, also in those of a peer that copies what is in them.
/// </remarks>
/// <typeparam name="TRing">Split or packed.</typeparam>
/// <typeparam name="TNotifier">How the device is told that there are packets.</typeparam>
internal sealed unsafe class VirtioTxQueue<TRing, TNotifier> : VirtioTxQueue
    where TRing : struct, IDriverRing<TRing>
    where TNotifier : struct, IVirtqueueNotifier
{
    /// <summary>Packets that are taken back in one go.</summary>
    private const int Batch = 64;

    /// <summary>Packets that are added before the next look at what the device has sent.</summary>
    private const int CleanEvery = 64;

    /// <summary>What makes a packet more than its one segment with an empty header.</summary>
    private const MbufFlags Unusual =
        MbufFlags.External | MbufFlags.TxVlanInsert | MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum;

    private readonly VirtqueueMemory<TRing> _memory;
    private readonly AlignedMemory _scratch = new((nuint)(Batch * (sizeof(UsedBuffer) + sizeof(Packet))));
    private readonly BufferAddresses _addresses;
    private readonly TxPieces _pieces;
    private readonly bool _hasIndirect;
    private readonly bool _isPeer;
    private readonly TNotifier _notifier;
    private TRing _ring;
    private ulong _violations;
    private bool _isRunning;

    // Descriptors that are free when it is time to look again.
    private int _cleanBelow;

    /// <param name="context">Of the port.</param>
    /// <param name="options">Of the ring.</param>
    /// <param name="notifier">Of the device.</param>
    public VirtioTxQueue(TxQueueContext context, VirtqueueOptions options, TNotifier notifier)
        : base(context)
    {
        Size = options.Size;
        _addresses = new BufferAddresses(options);
        _pieces = new TxPieces(_addresses, (options.Features & VirtioFeatures.NetCsum) != 0);
        _hasIndirect = (options.Features & VirtioFeatures.RingIndirectDesc) != 0;
        _isPeer = options.UsesVirtualAddresses;
        _notifier = notifier;
        _memory = new VirtqueueMemory<TRing>(options, Size * TxRegion.Length);
    }

    public override VirtqueueAddresses Addresses => _memory.Addresses;

    public override int Size { get; }

    public override ulong Violations => Volatile.Read(ref _violations);

    private enum Added
    {
        Yes,

        /// <summary>The ring has no room for it now.</summary>
        NotNow,

        /// <summary>No ring of this size ever has, or it asks for what cannot be done.</summary>
        Never,
    }

    /// <summary>At the latest with a quarter of the ring, which a packet of many segments may take at once.</summary>
    private int CleanBelow => Math.Max(_ring.Free - CleanEvery, Size / 4);

    public override void Start()
    {
        _ring = _memory.CreateRing();
        _cleanBelow = CleanBelow;
        _isRunning = true;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (_ring.Free < burst.Length || _ring.Free <= _cleanBelow)
        {
            Clean();
            _cleanBelow = CleanBelow;
        }

        BufferAddresses addresses = _addresses;
        bool leavesNumBuffers = _isPeer;
        int done = 0;
        int refused = 0;
        ulong bytes = 0;
        for (; done < burst.Length; done++)
        {
            Mbuf* mbuf = burst[done].Mbuf;
            uint length = mbuf->PacketLength;
            if (mbuf->SegmentCount == 1 && (mbuf->Flags & Unusual) == 0 && mbuf->DataOffset >= VirtioNetHeader.Length)
            {
                if (_ring.Free == 0)
                    break;
                int start = mbuf->DataOffset - VirtioNetHeader.Length;
                VirtioNetHeader.Clear(mbuf->Buffer + start, leavesNumBuffers);
                _ring.Add((nint)mbuf, addresses.Of(mbuf) + (uint)start, VirtioNetHeader.Length + length, DescriptorFlags.None);
            }
            else
            {
                Added added = AddUnusual(mbuf);
                if (added == Added.NotNow)
                    break;
                if (added == Added.Never)
                {
                    burst[done].Free();
                    refused++;
                    continue;
                }
            }

            bytes += length;
        }

        if (done == refused)
        {
            Counters->Errors += (uint)refused;
            return done;
        }

        if (_ring.Publish())
            _notifier.Notify(_ring.Position);
        Counters->Packets += (uint)(done - refused);
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        return done;
    }

    public override void Kick() => _notifier.Notify(_ring.Position);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Clean()
    {
        var used = (UsedBuffer*)_scratch.Address;
        var packets = (Packet*)(used + Batch);
        int taken;
        do
        {
            ulong violations = _violations;
            taken = _ring.TakeUsed(used, Batch, ref _violations);
            Counters->Errors += _violations - violations;
            for (int i = 0; i < taken; i++)
                packets[i] = new Packet((Mbuf*)used[i].Token);
            Packet.Free(new ReadOnlySpan<Packet>(packets, taken));
        }
        while (taken == Batch);
        return _ring.InFlight;
    }

    public override void Stop()
    {
        if (!_isRunning)
            return;
        _isRunning = false;
        foreach (nint token in _memory.Slots.TakeAll())
            new Packet((Mbuf*)token).Free();
    }

    public override void Dispose()
    {
        Stop();
        _memory.Dispose();
        _scratch.Dispose();
        _pieces.Dispose();
    }

    /// <summary>Adds a packet that is more than one segment behind an empty header.</summary>
    private Added AddUnusual(Mbuf* mbuf)
    {
        if (!ExternalData.BringHome(mbuf))
            return Added.Never;
        int count = TxPieces.Count(mbuf);
        if (count > Math.Min(Size, TxPieces.Most) || !_pieces.CanSend(mbuf))
            return Added.Never;
        bool usesTable = _hasIndirect && count > 1 && count <= TxRegion.TableEntries;
        if (_ring.Free < (usesTable ? 1 : count))
            return Added.NotNow;

        int offset = _ring.NextId * TxRegion.Length;
        byte* region = _memory.Extra + offset;
        ulong regionAddress = _memory.ExtraAddress + (uint)offset;
        ReadOnlySpan<BufferPiece> pieces = _pieces.Describe(mbuf, region, regionAddress);
        if (usesTable)
            _ring.AddIndirect((nint)mbuf, region + TxRegion.TableOffset, regionAddress + TxRegion.TableOffset, pieces);
        else
            _ring.AddChain((nint)mbuf, pieces, []);
        return Added.Yes;
    }
}
