using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfPacket;

/// <summary>A port of <see cref="AfPacketDriver"/>. Its sockets are open while it is started.</summary>
internal sealed unsafe class AfPacketPort : Port
{
    private readonly AfPacketOptions _options;
    private readonly KernelInterface _interface;
    private readonly SafeFileHandle _control;
    private readonly AfPacketTransmitLimits _limits;
    private readonly LinkWatcher _watcher;
    private readonly Lock _socketsLock = new();
    private AfPacketSocket[] _sockets = [];

    private AfPacketPort(PortContext context, AfPacketOptions options, KernelInterface iface, SafeFileHandle control)
        : base(
            context,
            new PortCapabilities { MaxRxQueues = options.QueuePairs, MaxTxQueues = options.QueuePairs },
            iface.ReadMacAddress(),
            iface.ReadMtu())
    {
        _options = options;
        _interface = iface;
        _control = control;
        _limits = new AfPacketTransmitLimits(control, iface.Index) { Mtu = iface.ReadMtu() };
        _watcher = new LinkWatcher(Name, iface.Index, OnInterfaceChanged);
    }

    /// <summary>Makes a port on an interface.</summary>
    public static AfPacketPort Open(PortContext context, AfPacketOptions options)
    {
        var iface = new KernelInterface(context.Name, options.Interface);
        SafeFileHandle? control = null;
        try
        {
            // It carries the memberships of the port and long frames; opened first, so that a missing privilege shows at once.
            control = AfPacketSocket.Open(context.Name);
            if (options.QdiscBypass)
                Libc.SetSockOpt(control, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_QDISC_BYPASS, 1);
            return new AfPacketPort(context, options, iface, control);
        }
        catch
        {
            control?.Dispose();
            iface.Dispose();
            throw;
        }
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new AfPacketRxQueue(context, Id, _options.Ring.FrameCount);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new AfPacketTxQueue(context, _limits, _options.Ring);

    protected override void OnStart()
    {
        var sockets = new List<AfPacketSocket>();
        try
        {
            for (int i = 0; i < Math.Max(RxQueues.Count, TxQueues.Count); i++)
            {
                var socket = new AfPacketSocket(Name, _options, hasRx: i < RxQueues.Count, hasTx: i < TxQueues.Count);
                sockets.Add(socket);
                if (socket.RxFrames != null)
                    ((AfPacketRxQueue)RxQueues[i]).Attach(socket);
                if (socket.TxFrames != null)
                    ((AfPacketTxQueue)TxQueues[i]).Attach(socket);
                socket.Bind(_interface.Index);
            }

            if (RxQueues.Count > 1)
                JoinFanout(sockets);
        }
        catch
        {
            sockets.ForEach(socket => socket.Dispose());
            throw;
        }

        lock (_socketsLock)
            _sockets = [.. sockets];
        if (!_interface.IsUp)
        {
            Logger.LogWarning(
                "Port {Id} ({Name}) passes no packets until its interface is up: ip link set {Interface} up", Id, Name, _interface.Name);
        }
    }

    protected override void OnStop()
    {
        lock (_socketsLock)
        {
            foreach ((AfPacketSocket socket, RxQueue queue) in _sockets.Zip(RxQueues))
                queue.Counters->Missed += socket.Drops;
            foreach (AfPacketSocket socket in _sockets)
                socket.Dispose();
            _sockets = [];
        }
    }

    protected override void OnClose()
    {
        _watcher.Dispose();
        _control.Dispose();
        _interface.Dispose();
    }

    protected override LinkStatus ReadLink() => _interface.ReadLink();

    protected override void OnSetMacAddress(MacAddress address) => _interface.SetMacAddress(address);

    protected override void OnSetMtu(int mtu)
    {
        _interface.SetMtu(mtu);
        _limits.Mtu = mtu;
    }

    protected override void OnSetPromiscuous(bool enabled) => SetMembership(PacketSocket.PACKET_MR_PROMISC, Promiscuous, enabled);

    protected override void OnSetAllMulticast(bool enabled) => SetMembership(PacketSocket.PACKET_MR_ALLMULTI, AllMulticast, enabled);

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        lock (_socketsLock)
        {
            foreach (AfPacketSocket socket in _sockets)
                statistics.InputMissed += socket.Drops;
        }
    }

    protected override void OnResetStatistics()
    {
        lock (_socketsLock)
        {
            foreach (AfPacketSocket socket in _sockets)
                socket.ResetDrops();
        }
    }

    private void JoinFanout(List<AfPacketSocket> sockets)
    {
        ushort? group = null;
        foreach (AfPacketSocket socket in sockets.Where(socket => socket.RxFrames != null))
            group = socket.JoinFanout(_options.FanoutMode, group);
    }

    /// <summary>A membership of the port's own: it ends with the process, whatever else uses the interface.</summary>
    private void SetMembership(int type, bool was, bool enabled)
    {
        if (was == enabled)
            return;
        var membership = new PacketMreq { MrIfindex = _interface.Index, MrType = (ushort)type };
        int option = enabled ? PacketSocket.PACKET_ADD_MEMBERSHIP : PacketSocket.PACKET_DROP_MEMBERSHIP;
        if (Libc.SetSockOpt(_control, SocketNumbers.SOL_PACKET, option, &membership, (uint)sizeof(PacketMreq)) != 0)
            throw KernelErrors.Failed(Name, $"change what {_interface.Name} receives", "NET_RAW");
    }

    private void OnInterfaceChanged()
    {
        int mtu = _interface.ReadMtu();
        if (mtu != 0)
            _limits.Mtu = mtu;
        ReportLink(_interface.ReadLink());
    }
}
