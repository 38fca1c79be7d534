using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfPacket;

/// <summary>A port of <see cref="AfPacketDriver"/>. Its sockets are open while it is started.</summary>
internal sealed unsafe class AfPacketPort : InterfacePort
{
    private readonly AfPacketOptions _options;
    private readonly LongFrames _longFrames;
    private readonly Lock _socketsLock = new();
    private AfPacketSocket[] _sockets = [];

    private AfPacketPort(PortContext context, AfPacketOptions options, KernelInterface iface, SafeFileHandle control)
        : base(
            context,
            new PortCapabilities { MaxRxQueues = options.QueuePairs, MaxTxQueues = options.QueuePairs },
            iface,
            control)
    {
        _options = options;
        _longFrames = new LongFrames(control, iface.Index);
    }

    /// <summary>Makes a port on an interface.</summary>
    public static AfPacketPort Open(PortContext context, AfPacketOptions options)
    {
        using var construction = new Construction();
        var iface = construction.Own(new KernelInterface(context.Name, options.Interface));

        // It carries the port's memberships and long frames; opened now, so that a missing privilege shows at once.
        SafeFileHandle control = construction.Own(PacketSockets.Open(context.Name));
        if (options.QdiscBypass)
            Libc.SetSockOpt(control, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_QDISC_BYPASS, 1);
        var port = new AfPacketPort(context, options, iface, control);
        construction.Complete();
        return port;
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) =>
        new AfPacketRxQueue(context, Id, _options.Ring.FrameCount);

    protected override TxQueue CreateTxQueue(TxQueueContext context) =>
        new AfPacketTxQueue(context, Limit, _longFrames, _options.Ring);

    protected override void OnStart()
    {
        using var construction = new Construction();
        var sockets = new AfPacketSocket[Math.Max(RxQueues.Count, TxQueues.Count)];
        ushort? fanout = null;
        for (int i = 0; i < sockets.Length; i++)
        {
            AfPacketSocket socket = construction.Own(
                new AfPacketSocket(Name, _options, hasRx: i < RxQueues.Count, hasTx: i < TxQueues.Count));
            sockets[i] = socket;
            if (socket.TxFrames != null)
                ((AfPacketTxQueue)TxQueues[i]).Attach(socket);
            socket.Bind(Interface.Index);
            if (socket.RxFrames != null)
                Receive(socket, (AfPacketRxQueue)RxQueues[i], ref fanout);
        }

        construction.Complete();

        lock (_socketsLock)
            _sockets = sockets;
        WarnIfDown();
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

    private void Receive(AfPacketSocket socket, AfPacketRxQueue queue, ref ushort? fanout)
    {
        queue.Attach(socket);
        if (RxQueues.Count == 1)
            return;
        bool isFirst = fanout is null;
        fanout = socket.JoinFanout(_options.FanoutMode, fanout);
        // What came to this socket before it joined went to the others too.
        if (!isFirst)
            queue.Discard();
    }
}
