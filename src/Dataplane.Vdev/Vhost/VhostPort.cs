using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Peers;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Vhost;

/// <summary>A port of <see cref="VhostDriver"/>. Its link is up while a front end has rings enabled.</summary>
internal sealed class VhostPort : Port, IVhostQueues
{
    /// <summary>How often is looked whether the front end has cut its memory short.</summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(250);

    private readonly VhostOptions _options;
    private readonly PeerLoop _loop;
    private readonly PeerListener? _listener;
    private readonly PeerConnector? _connector;
    private readonly EventFd _trouble;

    // On the loop's thread only.
    private VhostSession? _session;
    private bool _isStarted;
    private bool _isListening;

    // Written on the loop's thread.
    private volatile bool _isUp;
    private ulong _connections;
    private ulong _violations;

    private VhostPort(PortContext context, VhostOptions options, PeerLoop loop, PeerAddress address, PeerListener? listener, EventFd trouble)
        : base(
            context,
            new PortCapabilities
            {
                MaxRxQueues = options.Queues,
                MaxTxQueues = options.Queues,
                HasRxInterrupts = true,
                Offloads = PortOffloads.RxVlanStrip | PortOffloads.RxScatter | PortOffloads.TxMultiSegment | PortOffloads.TxL4Checksum,
            },
            AddressOf(context.Id))
    {
        _options = options;
        _loop = loop;
        _listener = listener;
        _trouble = trouble;
        if (listener is null)
            _connector = new PeerConnector(loop.After, Name, address, PeerSocketKind.Stream, Logger, OnConnected);
    }

    /// <summary>Makes the port; it listens from now on, but accepts nobody before it is started.</summary>
    public static VhostPort Open(PortContext context, VhostOptions options)
    {
        using var construction = new Construction();
        context = context.With(new PeerLogger(context.Logger));
        PeerAddress address = PeerAddress.File(context.Name, options.Path);
        PeerListener? listener = options.IsClient
            ? null
            : construction.Own(new PeerListener(context.Name, address, PeerSocketKind.Stream));
        var trouble = construction.Own(new EventFd());
        var loop = construction.Own(new PeerLoop($"vhost {context.Id}", context.Logger));
        var port = new VhostPort(context, options, loop, address, listener, trouble);
        construction.Complete();
        return port;
    }

    VhostReceiverOptions? IVhostQueues.ReceiverOf(VhostRing ring)
    {
        if (!_isStarted || RxQueues.Count == 0)
            return null;
        var queue = (VhostRxQueue)RxQueues[ring.Pair % RxQueues.Count];
        RxQueueContext context = queue.Context;
        bool stripsVlan = (context.Offloads & PortOffloads.RxVlanStrip) != 0;
        return new VhostReceiverOptions(Id, context.Pool, stripsVlan, _options.IsLinear, queue.Interrupt);
    }

    ushort IVhostQueues.Mtu => (ushort)Mtu;

    bool IVhostQueues.HasSenderOf(VhostRing ring) => _isStarted && ring.Pair < TxQueues.Count;

    void IVhostQueues.Connect(IReadOnlyList<VhostRing> rings)
    {
        foreach (VhostRxQueue queue in RxQueues.Cast<VhostRxQueue>())
        {
            IEnumerable<VhostRing> own = rings.Where(ring => !ring.IsReceive && ring.Pair % RxQueues.Count == queue.Index);
            queue.Set([.. own.Select(ring => ring.Receiver).OfType<VhostReceiver>()]);
        }

        foreach (VhostTxQueue queue in TxQueues.Cast<VhostTxQueue>())
            queue.Set(rings.FirstOrDefault(ring => ring.IsReceive && ring.Pair == queue.Index)?.Sender);
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new VhostRxQueue(context);

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new VhostTxQueue(context);

    protected override void OnStart() => _loop.Invoke(() =>
    {
        _isStarted = true;
        Guard(() => _session?.Run());
        if (_isListening)
            return;
        _isListening = true;
        _loop.Watch(_trouble.Handle, OnTrouble);
        if (_listener is { } listener)
            _loop.Watch(listener.Handle, OnAccept);
        else
            _connector!.Start();
    });

    protected override void OnStop() => _loop.Invoke(() =>
    {
        Guard(() => _session?.End());
        _isStarted = false;
    });

    protected override void OnClose()
    {
        _loop.Invoke(() =>
        {
            _isListening = false;
            EndSession();
            _connector?.Dispose();
            _listener?.Dispose();
        });
        _loop.Dispose();
        _trouble.Dispose();
    }

    protected override LinkStatus ReadLink() => _isUp && State == PortState.Started ? LinkStatus.VirtualUp : LinkStatus.Down;

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics)
    {
        statistics.Add(new("connections", Volatile.Read(ref _connections)));
        statistics.Add(new("protocol_violations", Volatile.Read(ref _violations)));
    }

    private void OnAccept()
    {
        PeerSocket? socket = _listener!.TryAccept();
        if (socket is null)
            return;

        // A front end that was started again may be here before its end was noticed.
        OnMessage();
        if (_session is null)
        {
            OnConnected(socket);
            return;
        }

        Logger.LogWarning("{Device}: {Peer} is refused, {Other} is connected", Name, socket.Peer, _session.Socket.Peer);
        socket.Dispose();
    }

    private void OnConnected(PeerSocket socket)
    {
        Logger.LogInformation("{Device}: {Peer} is connected by {Path}", Name, socket.Peer, _options.Path);
        _connections++;
        _session = new VhostSession(_loop, socket, _options.Queues, this, _trouble);
        _loop.Watch(socket.Handle, OnMessage);
        CheckLater(_session);
    }

    private void OnMessage() => Guard(() =>
    {
        if (_session is not { } session || session.TryServe())
            return;
        Logger.LogInformation("{Device}: {Peer} has closed the connection", Name, session.Socket.Peer);

        // A lcore may have found something that is not known here yet.
        session.Check();

        // Its rings may outlive it, in the memory of a guest that is given another front end or back end.
        session.End();
        EndSession();
    });

    private void OnTrouble()
    {
        _trouble.TryDrain();
        Guard(() => _session?.Check());
    }

    private void CheckLater(VhostSession session) => _loop.After(CheckInterval, () =>
    {
        if (_session != session)
            return;
        Guard(session.Check);
        if (_session == session)
            CheckLater(session);
    });

    /// <summary>Does what may find out that the front end broke a rule, which ends its connection and nothing else.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is PeerViolationException or DataplaneException)
        {
            Logger.LogWarning("{Device}: {Peer} {Rule}; the connection ends", Name, _session?.Socket.Peer, exception.Message);
            _violations++;
            EndSession();
        }

        UpdateLink();
    }

    private void EndSession()
    {
        if (_session is not { } session)
            return;
        _loop.Unwatch(session.Socket.Handle);
        _session = null;
        session.Dispose();
        UpdateLink();
        if (_isListening)
            _connector?.Start();
    }

    private void UpdateLink()
    {
        _isUp = _session is { IsUp: true };
        ReportLink(_isUp ? LinkStatus.VirtualUp : LinkStatus.Down);
    }

    /// <summary>As DPDK has it: "VHOST" and the number of the port.</summary>
    private static MacAddress AddressOf(int portId) => new([(byte)'V', (byte)'H', (byte)'O', (byte)'S', (byte)'T', (byte)portId]);
}
