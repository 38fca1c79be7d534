using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.Tap;

/// <summary>A port of <see cref="TapDriver"/>. Its interface is up while it is started.</summary>
internal sealed class TapPort : Port
{
    /// <summary>Most queues; DPDK's RTE_PMD_TAP_MAX_QUEUES.</summary>
    private const int MaxQueues = 16;

    /// <summary>tun.c: 65535 bytes and an Ethernet header.</summary>
    private const int MaxMtu = 65521;

    private readonly TapDevice _tap;
    private readonly KernelInterface _interface;
    private readonly TapRemote? _remote;
    private readonly LinkWatcher _watcher;
    private readonly FrameLimit _limit;
    private readonly TransmitDrops _drops;
    private readonly Lock _dropsLock = new();

    private TapPort(
        PortContext context,
        TapOptions options,
        TapDevice tap,
        KernelInterface iface,
        TransmitDrops drops,
        TapRemote? remote)
        : base(
            context,
            new PortCapabilities { MaxRxQueues = MaxQueues, MaxTxQueues = MaxQueues, MaxMtu = MaxMtu },
            iface.ReadMacAddress(),
            iface.ReadMtu())
    {
        HasFixedAddress = options.IsFixed;
        _tap = tap;
        _interface = iface;
        _drops = drops;
        _remote = remote;
        _limit = new FrameLimit { Mtu = Mtu };
        _watcher = new LinkWatcher(Name, iface.Index, OnInterfaceChanged);
    }

    /// <summary>Whether the address is one of a series that later ports go on with.</summary>
    public bool HasFixedAddress { get; }

    /// <summary>Makes the interface and the port.</summary>
    public static TapPort Open(PortContext context, TapOptions options)
    {
        using var construction = new Construction();
        var tap = construction.Own(new TapDevice(context.Name, options.Interface));
        var iface = construction.Own(new KernelInterface(context.Name, tap.Name));
        if (options.Address is { } address)
            iface.SetMacAddress(address);
        TapRemote? remote = options.Remote is null
            ? null
            : construction.Own(new TapRemote(context.Name, options.Remote, iface));
        var drops = construction.Own(new TransmitDrops(context.Name, iface));
        var port = new TapPort(context, options, tap, iface, drops, remote);
        construction.Complete();
        return port;
    }

    // Frames come in on every queue that is open, so there are no more than somebody polls.
    protected override void OnConfigure(PortConfiguration configuration) => _tap.SetQueueCount(configuration.RxQueues);

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new TapRxQueue(context, Id);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new TapTxQueue(context, _limit);

    protected override void OnStart()
    {
        foreach (TapRxQueue queue in RxQueues.Cast<TapRxQueue>())
            queue.Attach(_tap.FdOf(queue.Index));
        foreach (TapTxQueue queue in TxQueues.Cast<TapTxQueue>())
            queue.Attach(_tap.FdOf(queue.Index));
        _interface.SetUp(true);
    }

    protected override void OnStop()
    {
        _interface.TrySetUp(false);
        foreach (TapRxQueue queue in RxQueues.Cast<TapRxQueue>())
            queue.Release();
    }

    protected override void OnClose()
    {
        _watcher.Dispose();
        _remote?.Dispose();
        _drops.Dispose();
        _interface.Dispose();
        _tap.Dispose();
    }

    /// <summary>The kernel says 10 Mbit/s of a tap, whatever it does; the port claims what DPDK's claims.</summary>
    protected override LinkStatus ReadLink() => _interface.ReadLink().IsUp ? LinkStatus.VirtualUp : LinkStatus.Down;

    protected override void OnSetMacAddress(MacAddress address)
    {
        _interface.SetMacAddress(address);
        _remote?.SetMacAddress(address);
    }

    protected override void OnSetMtu(int mtu)
    {
        _interface.SetMtu(mtu);
        _remote?.SetMtu(mtu);
        _limit.Mtu = mtu;
    }

    protected override void OnSetPromiscuous(bool enabled) => _remote?.SetPromiscuous(enabled);

    protected override void OnSetAllMulticast(bool enabled) => _remote?.SetAllMulticast(enabled);

    /// <summary>What the kernel wanted to send while the queues were full.</summary>
    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        lock (_dropsLock)
            statistics.InputMissed += _drops.Read();
    }

    protected override void OnResetStatistics()
    {
        lock (_dropsLock)
            _drops.Reset();
    }

    private void OnInterfaceChanged()
    {
        int mtu = _interface.ReadMtu();
        if (mtu != 0)
            _limit.Mtu = mtu;
        ReportLink(ReadLink());
    }
}
