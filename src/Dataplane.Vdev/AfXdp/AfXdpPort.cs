using System.Numerics;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfXdp;

/// <summary>A port of <see cref="AfXdpDriver"/>. Its program is attached while it is open, its sockets while it is started.</summary>
internal sealed class AfXdpPort : InterfacePort
{
    /// <summary>How long a stop waits for frames on their way.</summary>
    private static readonly TimeSpan s_drainPatience = TimeSpan.FromMilliseconds(100);

    private readonly AfXdpOptions _options;
    private readonly Steering _steering;
    private readonly UmemGroup _group;
    private readonly Lock _socketsLock = new();
    private XskSocket[] _sockets = [];
    private Umem? _umem;
    private int _receiveRing;
    private int _sendRing;

    private AfXdpPort(
        PortContext context,
        AfXdpOptions options,
        KernelInterface iface,
        SafeFileHandle control,
        Steering steering,
        UmemGroup group)
        : base(
            context,
            new PortCapabilities
            {
                MaxRxQueues = options.QueueCount,
                MaxTxQueues = options.QueueCount,
                HasRxInterrupts = true,
                MaxMtu = Environment.SystemPageSize - Bpf.XDP_PACKET_HEADROOM - FrameLimit.EthernetLength,
            },
            iface,
            control)
    {
        _options = options;
        _steering = steering;
        _group = group;
    }

    /// <summary>Makes a port on an interface: what it lacks for that shows at once.</summary>
    public static AfXdpPort Open(PortContext context, AfXdpOptions options)
    {
        using var construction = new Construction();
        var iface = construction.Own(new KernelInterface(context.Name, options.Interface));
        CheckQueues(context.Name, iface, options);
        SafeFileHandle control = construction.Own(PacketSockets.Open(context.Name));
        AfXdpPort[] others = [.. context.Ports.OfType<AfXdpPort>().Where(port => port.State != PortState.Closed)];
        Steering steering = construction.Own(
            others.FirstOrDefault(port => port._steering.InterfaceIndex == iface.Index) is { } sameInterface
                ? ShareSteering(context, options, sameInterface)
                : Steering.Create(context.Name, iface, options, context.Logger));
        UmemGroup group = others.FirstOrDefault(port => options.SharedUmem && port._options.SharedUmem)?._group ?? new UmemGroup();
        var port = new AfXdpPort(context, options, iface, control, steering, group);
        construction.Complete();
        return port;
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        _umem = new Umem(Name, configuration.Pool, _steering.HasForeignProgram);
        _receiveRing = RingSizeFor(configuration.RxDescriptors);
        _sendRing = RingSizeFor(configuration.TxDescriptors);
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) =>
        new AfXdpRxQueue(context, Id, _receiveRing, _options.BusyBudget);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new AfXdpTxQueue(context, Limit);

    protected override void OnStart()
    {
        var sockets = new List<XskSocket>();
        try
        {
            int count = Math.Max(RxQueues.Count, TxQueues.Count);
            for (int i = 0; i < count; i++)
                sockets.Add(OpenSocket(i));
        }
        catch
        {
            Close(sockets);
            throw;
        }

        lock (_socketsLock)
            _sockets = [.. sockets];
        _steering.LeavePlugin();
        WarnOfLimits();
    }

    protected override void OnStop()
    {
        foreach (AfXdpTxQueue queue in TxQueues.Cast<AfXdpTxQueue>())
            queue.Drain(s_drainPatience);
        lock (_socketsLock)
        {
            foreach ((XskSocket socket, RxQueue queue) in _sockets.Zip(RxQueues))
                AddMissed(socket, queue);
            Close(_sockets);
            _sockets = [];
        }
    }

    protected override void OnClose()
    {
        _steering.Dispose();
        base.OnClose();
    }

    protected override void OnSetMtu(int mtu)
    {
        if (_umem is not null && mtu + FrameLimit.EthernetLength > _umem.LongestFrame)
        {
            throw new DataplaneException(
                $"Port {Id} ({Name}) cannot have an MTU of {mtu} bytes: a frame must lie in one buffer, which takes {_umem.LongestFrame} bytes",
                "make the mempool with a larger data room, up to a page less 256 bytes");
        }

        base.OnSetMtu(mtu);
    }

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        lock (_socketsLock)
        {
            foreach (XskSocket socket in _sockets)
            {
                XdpStatistics one = socket.ReadStatistics();
                statistics.InputMissed += one.RxDropped + one.RxRingFull;
            }
        }
    }

    /// <summary>The kernel's own counters, by their names in linux/if_xdp.h.</summary>
    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics)
    {
        lock (_socketsLock)
        {
            for (int i = 0; i < _sockets.Length; i++)
            {
                XdpStatistics one = _sockets[i].ReadStatistics();
                statistics.Add(new($"rx_q{i}_xdp_dropped", one.RxDropped));
                statistics.Add(new($"rx_q{i}_xdp_invalid_descs", one.RxInvalidDescs));
                statistics.Add(new($"rx_q{i}_xdp_ring_full", one.RxRingFull));
                statistics.Add(new($"rx_q{i}_xdp_fill_ring_empty", one.RxFillRingEmptyDescs));
                statistics.Add(new($"tx_q{i}_xdp_invalid_descs", one.TxInvalidDescs));
                statistics.Add(new($"tx_q{i}_xdp_ring_empty", one.TxRingEmptyDescs));
            }
        }
    }

    protected override void OnResetStatistics()
    {
        lock (_socketsLock)
        {
            foreach (XskSocket socket in _sockets)
                socket.ResetStatistics();
        }
    }

    private static int RingSizeFor(int descriptors) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(descriptors, 1));

    private static void AddMissed(XskSocket socket, RxQueue queue)
    {
        XdpStatistics statistics = socket.ReadStatistics();
        unsafe
        {
            queue.Counters->Missed += statistics.RxDropped + statistics.RxRingFull;
        }
    }

    private static void CheckQueues(string device, KernelInterface iface, AfXdpOptions options)
    {
        int end = options.StartQueue + options.QueueCount;
        if (iface.ReadQueueCount() is { } count && end > count)
        {
            throw new DataplaneException(
                $"{device} cannot have queues {options.StartQueue} to {end - 1} of {iface.Name}: it has {count}",
                $"lower start_queue or queue_count, or give it more: ethtool -L {iface.Name} combined {end}");
        }
    }

    private static Steering ShareSteering(PortContext context, AfXdpOptions options, AfXdpPort other)
    {
        if (other._options.Source == options.Source && other._options.Path == options.Path)
            return other._steering.Share();
        throw new DataplaneException(
            $"{context.Name} and {other.Name} cannot steer the frames of {options.Interface} in different ways",
            "give both the same xdp_prog, use_cni and use_pinned_map");
    }

    private XskSocket OpenSocket(int index)
    {
        XskSocket? sharedWith = _options.SharedUmem ? _group.Find(_umem!) : null;
        try
        {
            return OpenSocket(index, sharedWith);
        }
        catch (DataplaneException failure) when (sharedWith is not null)
        {
            Logger.LogWarning("{Failure}; it registers the memory for itself instead of sharing it", failure.Problem);
            return OpenSocket(index, sharedWith: null);
        }
    }

    private XskSocket OpenSocket(int index, XskSocket? sharedWith)
    {
        var rx = index < RxQueues.Count ? (AfXdpRxQueue)RxQueues[index] : null;
        var tx = index < TxQueues.Count ? (AfXdpTxQueue)TxQueues[index] : null;
        var socket = new XskSocket(Name, Interface, _options.StartQueue + index, _umem!, sharedWith);
        try
        {
            socket.MakeRings(rx is null ? 0 : _receiveRing, tx is null ? 0 : _sendRing);
            rx?.Attach(socket);
            tx?.Attach(socket);
            socket.Bind(_options.ForceCopy || _steering.IsGeneric || !_umem!.AllowsZeroCopy);
            rx?.SetBusyPolling(TryBusyPoll(socket));
            if (rx is not null)
                _steering.Insert(socket);
            _group.Add(socket);
            return socket;
        }
        catch
        {
            socket.Dispose();
            rx?.Detach();
            tx?.Detach();
            throw;
        }
    }

    private bool TryBusyPoll(XskSocket socket)
    {
        int budget = _options.BusyBudget;
        if (budget == 0 || socket.TryBusyPoll(budget))
            return budget != 0;
        string reason = Errno.DescribeLast();
        if (_steering.Plugin?.TryBusyPoll(socket, XskSocket.BusyPollMicroseconds, budget) == true)
            return true;
        Logger.LogInformation(
            "{Name}: no busy polling of queue {Queue} ({Reason}); it takes Linux 5.11 and CAP_NET_ADMIN, busy_budget=0 asks for none",
            Name,
            socket.Queue,
            reason);
        return false;
    }

    /// <summary>Sockets first: what they held may be used again only when the kernel writes there no more.</summary>
    private void Close(IReadOnlyList<XskSocket> sockets)
    {
        foreach (XskSocket socket in sockets)
        {
            _group.Remove(socket);
            socket.Dispose();
        }

        foreach (XskSocket socket in sockets.Where(socket => socket.IsZeroCopy))
            socket.AwaitDevice();
        foreach (AfXdpRxQueue queue in RxQueues.Cast<AfXdpRxQueue>())
            queue.Detach();
        foreach (AfXdpTxQueue queue in TxQueues.Cast<AfXdpTxQueue>())
            queue.Detach();
    }

    private void WarnOfLimits()
    {
        WarnIfDown();
        int mtu = Interface.ReadMtu();
        if (mtu + FrameLimit.EthernetLength > _umem!.LongestFrame)
        {
            Logger.LogWarning(
                "Port {Id} ({Name}) loses frames of more than {Longest} bytes, which do not lie in one buffer, and {Interface} has an MTU of {Mtu}: ip link set {Interface} mtu {Most}",
                Id,
                Name,
                _umem.LongestFrame,
                Interface.Name,
                mtu,
                Interface.Name,
                _umem.LongestFrame - FrameLimit.EthernetLength);
        }
    }
}
