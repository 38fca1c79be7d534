using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.AfPacket;
using Dataplane.Vdev.Kernel;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// A network interface to receive from, to send to, or both, through a packet socket of <c>net_af_packet</c>. As
/// libpcap does, it has the interface receive frames for any station, and what it sends itself it does not receive.
/// </summary>
internal sealed unsafe class InterfaceStream : IRxStream, ITxStream
{
    private readonly PortContext _context;
    private readonly AfPacketOptions _options;
    private readonly KernelInterface _interface;
    private readonly SafeFileHandle _control;
    private readonly FrameLimit _limit;
    private readonly LongFrames _longFrames;
    private readonly LinkWatcher _watcher;
    private readonly Lock _socketLock = new();
    private AfPacketRxQueue? _rx;
    private AfPacketTxQueue? _tx;
    private AfPacketSocket? _socket;

    private InterfaceStream(
        PortContext context, AfPacketOptions options, KernelInterface iface, SafeFileHandle control, Action linkChanged)
    {
        _context = context;
        _options = options;
        _interface = iface;
        _control = control;
        _limit = new FrameLimit { Mtu = iface.ReadMtu() };
        _longFrames = new LongFrames(control, iface.Index);
        new InterfaceMemberships(context.Name, iface, control).SetPromiscuous(true);
        _watcher = new LinkWatcher(context.Name, iface.Index, () => OnChanged(linkChanged));
    }

    /// <summary>The interface's largest payload in bytes.</summary>
    public int Mtu
    {
        get => _interface.ReadMtu();
        set
        {
            _interface.SetMtu(value);
            _limit.Mtu = value;
        }
    }

    /// <summary>The interface's own address.</summary>
    public MacAddress MacAddress => _interface.ReadMacAddress();

    /// <summary>Whether frames pass, and how fast.</summary>
    public LinkStatus Link => _interface.ReadLink();

    /// <summary>Frames lost because the queue was not polled in time, since the start or the last reset.</summary>
    public ulong Drops
    {
        get
        {
            lock (_socketLock)
                return _socket?.Drops ?? 0;
        }
    }

    /// <summary>Opens an interface.</summary>
    /// <param name="context">The port that it is for.</param>
    /// <param name="name">The interface.</param>
    /// <param name="receivesOutgoing">Whether what this host sends through the interface is received, too.</param>
    /// <param name="linkChanged">Called by a control thread when the link may have changed.</param>
    public static InterfaceStream Open(PortContext context, string name, bool receivesOutgoing, Action linkChanged)
    {
        using var construction = new Construction();
        KernelInterface iface = construction.Own(new KernelInterface(context.Name, name));
        SafeFileHandle control = construction.Own(PacketSockets.Open(context.Name));
        var options = new AfPacketOptions(
            name, QueuePairs: 1, QdiscBypass: false, FanoutMode: 0, RingSize.Default, receivesOutgoing);
        var stream = new InterfaceStream(context, options, iface, control, linkChanged);
        construction.Complete();
        return stream;
    }

    /// <inheritdoc/>
    public RxQueue CreateQueue(RxQueueContext context, int portId) =>
        _rx = new AfPacketRxQueue(context, portId, _options.Ring.FrameCount, _options.ReceivesOutgoing);

    /// <inheritdoc/>
    public TxQueue CreateQueue(TxQueueContext context) =>
        _tx = new AfPacketTxQueue(context, _limit, _longFrames, _options.Ring);

    /// <summary>Opens the socket, of both directions if the stream stands behind queues of both.</summary>
    public void Start()
    {
        if (_socket is not null)
            return;
        using var construction = new Construction();
        AfPacketSocket socket = construction.Own(
            new AfPacketSocket(_context.Name, _options, hasRx: _rx is not null, hasTx: _tx is not null));
        _rx?.Attach(socket);
        _tx?.Attach(socket);
        socket.Bind(_interface.Index);
        construction.Complete();
        lock (_socketLock)
            _socket = socket;
        if (!_interface.IsUp)
        {
            _context.Logger.LogWarning(
                "Port {Id} ({Name}) passes no packets until its interface is up: ip link set {Interface} up",
                _context.Id,
                _context.Name,
                _interface.Name);
        }
    }

    /// <inheritdoc/>
    public void Stop()
    {
        lock (_socketLock)
        {
            if (_socket is null)
                return;
            if (_rx is not null)
                _rx.Counters->Missed += _socket.Drops;
            _socket.Dispose();
            _socket = null;
        }
    }

    /// <summary>Lets <see cref="Drops"/> count from zero.</summary>
    public void ResetDrops()
    {
        lock (_socketLock)
            _socket?.ResetDrops();
    }

    /// <summary>Ends the calls about the link; the port has no half-closed interfaces to look at then.</summary>
    public void StopWatching() => _watcher.Dispose();

    /// <summary>Closes the interface, which is not watched any more.</summary>
    public void Dispose()
    {
        _control.Dispose();
        _interface.Dispose();
    }

    private void OnChanged(Action linkChanged)
    {
        int mtu = _interface.ReadMtu();
        if (mtu != 0)
            _limit.Mtu = mtu;
        linkChanged();
    }
}
