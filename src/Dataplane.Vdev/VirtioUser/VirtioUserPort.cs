using System.Diagnostics;
using System.Numerics;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>A port of <see cref="VirtioUserDriver"/>. Its link is up while a back end moves packets; back ends may come and go.</summary>
internal sealed class VirtioUserPort : Port
{
    /// <summary>How long a stop waits for the back end to send what it has.</summary>
    private static readonly TimeSpan DrainAtMost = TimeSpan.FromMilliseconds(200);

    private readonly VirtioUserOptions _options;
    private readonly DataplaneMemory _memory;
    private readonly BackEndLink _link;
    private IDisposable? _segmentWatch;
    private PortConfiguration? _configuration;

    private VirtioUserPort(
        PortContext context, VirtioUserOptions options, PeerLoop loop, PeerAddress address, PeerListener? listener)
        : base(
            context,
            new PortCapabilities
            {
                MaxRxQueues = options.Queues,
                MaxTxQueues = options.Queues,
                HasRxInterrupts = true,
                Offloads = PortOffloads.RxVlanStrip | PortOffloads.RxL4Checksum
                    | PortOffloads.TxVlanInsert | PortOffloads.TxMultiSegment
                    | (options.IsMergeable ? PortOffloads.RxScatter : PortOffloads.None),
                MaxMtu = VirtioNetFrames.MaxMtu,
            },
            options.MacAddress)
    {
        _options = options;
        _memory = context.Memory;
        _link = new BackEndLink(loop, Name, address, listener, Logger, UpdateLink);
    }

    /// <summary>Makes the port; as a server it listens from now on, but accepts nobody before it is started.</summary>
    public static VirtioUserPort Open(PortContext context, VirtioUserOptions options)
    {
        using var construction = new Construction();
        context = context.With(new PeerLogger(context.Logger));
        PeerAddress address = PeerAddress.File(context.Name, options.Path);
        PeerListener? listener = options.IsServer
            ? construction.Own(new PeerListener(context.Name, address, PeerSocketKind.Stream))
            : null;
        var loop = construction.Own(new PeerLoop($"virtio {context.Id}", context.Logger));
        var port = new VirtioUserPort(context, options, loop, address, listener);
        port._segmentWatch = construction.Own(context.Memory.WatchSegments(port._link.AddSegment));
        construction.Complete();
        return port;
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        if (configuration.RxQueues == 0 || configuration.TxQueues == 0)
            throw new DataplaneException($"{Name} needs a queue of each direction: back ends start with the first pair");
        if (configuration.TxQueues > configuration.RxQueues)
        {
            throw new DataplaneException(
                $"{Name}: {configuration.TxQueues} tx queues need as many rx queues: the back end spreads frames over all pairs that are in use",
                $"configure {configuration.TxQueues} rx queues");
        }

        CheckRoom(configuration, Mtu);
        _configuration = configuration;
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) =>
        new VirtioUserRxQueue(context, Id, MakeMemory("rx", context.Index, context.Descriptors, sends: false));

    protected override TxQueue CreateTxQueue(TxQueueContext context) =>
        new VirtioUserTxQueue(context, MakeMemory("tx", context.Index, context.Descriptors, sends: true));

    protected override void OnStart() => _link.Start(
        [.. RxQueues.Cast<IVirtioUserRing>(), .. TxQueues.Cast<IVirtioUserRing>()],
        VirtioUserFeatures.For(_options, _configuration!.Offloads, RxQueues.Count));

    protected override void OnStop()
    {
        long start = Stopwatch.GetTimestamp();
        while (_link.Clean(TxQueues.Cast<VirtioUserTxQueue>()) != 0 && Stopwatch.GetElapsedTime(start) < DrainAtMost)
            Thread.Sleep(1);
        _link.Stop();
    }

    protected override void OnClose()
    {
        _segmentWatch?.Dispose();
        _link.Dispose();
    }

    protected override LinkStatus ReadLink() => State == PortState.Started ? LinkOf(_link.IsUp) : LinkStatus.Down;

    protected override void OnSetMtu(int mtu)
    {
        if (_configuration is not null)
            CheckRoom(_configuration, mtu);
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics)
    {
        VirtioQueueStatistics.Add(this, statistics);
        statistics.Add(new("connections", _link.Connections));
        statistics.Add(new("protocol_violations", _link.Violations));
    }

    private LinkStatus LinkOf(bool isUp) => isUp ? new LinkStatus(IsUp: true, _options.Speed) : LinkStatus.Down;

    private void UpdateLink(bool isUp) => ReportLink(LinkOf(isUp));

    /// <summary>Without mergeable buffers the back end has one buffer per frame and drops what does not fit.</summary>
    private void CheckRoom(PortConfiguration configuration, int mtu)
    {
        if (!_options.IsMergeable && configuration.Pool.DataRoom < mtu + VirtioNetFrames.Overhead)
        {
            throw new DataplaneException(
                $"{Name}: frames of an MTU of {mtu} bytes do not fit into the buffers of {configuration.Pool.Name}, which hold {configuration.Pool.DataRoom} bytes, and the device has mrg_rxbuf=0",
                "use larger buffers or a smaller MTU, or leave mrg_rxbuf out");
        }
    }

    private VirtioUserRingMemory MakeMemory(string kind, int index, int descriptors, bool sends)
    {
        int wanted = (int)BitOperations.RoundUpToPowerOf2(
            (uint)Math.Clamp(descriptors, VirtioUserDriver.LeastDescriptors, VirtqueueLayout.MaxSize));
        return new VirtioUserRingMemory(_memory, $"{Name} {kind} queue {index}", Math.Min(wanted, _options.QueueSize), sends);
    }
}
