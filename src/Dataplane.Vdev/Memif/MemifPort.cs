using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// A port of <see cref="MemifDriver"/>. Its link is up while a peer is connected; without one nothing is received and
/// nothing can be sent. A client tries to connect for as long as the port is started.
/// </summary>
internal sealed class MemifPort : Port
{
    /// <summary>How long a client waits when its connection has ended before it tries to have another.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>The link of a memif port in DPDK.</summary>
    private static readonly LinkStatus Up = new(IsUp: true, SpeedMbps: 100_000, AutoNegotiated: true);

    private readonly PortContext _context;
    private volatile bool _isUp;
    private long _connections;
    private long _violations;

    // The loop's; a client has a connector.
    private readonly PeerConnector? _connector;
    private PeerTimer? _retry;
    private MemifRingLayout _layout;
    private string? _lastNotice;

    private MemifPort(PortContext context, MemifOptions options, MemifHub hub)
        : base(
            context,
            new PortCapabilities { MaxRxQueues = MemifNumbers.MaxRings, MaxTxQueues = MemifNumbers.MaxRings, HasRxInterrupts = true },
            options.MacAddress ?? MacAddress.CreateRandom())
    {
        _context = context;
        _layout = options.Layout ?? MemifRingLayout.Lines64;
        Options = options;
        Hub = hub;
        if (!options.IsServer)
        {
            _connector = new PeerConnector(
                hub.Loop.After, Name, options.Address, PeerSocketKind.Messages, Logger, socket => Session = new MemifClientSession(hub, this, socket));
        }
    }

    public MemifOptions Options { get; }

    public MemifHub Hub { get; }

    /// <summary>Where zero-copy buffers lie.</summary>
    public DataplaneMemory Memory => _context.Memory;

    /// <summary>Whether the port is started. The loop's.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>The connection, from INIT on. The loop's.</summary>
    public MemifSession? Session { get; set; }

    /// <summary>How a client lays out its rings the next time. The loop's.</summary>
    public MemifRingLayout ClientLayout => _layout;

    /// <summary>Makes the port; a server listens from then on.</summary>
    public static MemifPort Open(PortContext context, MemifOptions options)
    {
        context = context.With(new PeerLogger(context.Logger));
        MemifHub hub = MemifHub.Find(context.Name, options, context.Ports.OfType<MemifPort>(), context.Logger);
        var port = new MemifPort(context, options, hub);
        hub.Join(port);
        return port;
    }

    /// <summary>Frames flow. On the loop.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="description">What is at its other end.</param>
    public void OnConnected(MemifSession session, string description)
    {
        _lastNotice = null;
        Interlocked.Increment(ref _connections);
        _isUp = true;
        Logger.LogInformation("{Port}: connected to {Peer}, {Description}", Name, session.Peer, description);
        ReportLink(Up);
    }

    /// <summary>The connection is over. On the loop.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="reason">What the peer did, as it reads after its name; null if it was us.</param>
    /// <param name="isViolation">Whether it must not.</param>
    public void OnDisconnected(MemifSession session, string? reason, bool isViolation)
    {
        Session = null;
        if (isViolation)
            Interlocked.Increment(ref _violations);
        _isUp = false;
        if (reason is not null)
            Notice(isViolation ? LogLevel.Warning : LogLevel.Information, $"{session.Peer} {reason}");
        ReportLink(LinkStatus.Down);
        if (_connector is not null && IsEnabled)
            _retry = Hub.Loop.After(RetryInterval, _connector.Start);
    }

    /// <summary>The server has the other layout: it is tried the next time, unless the user chose this one. On the loop.</summary>
    public PeerViolationException RefuseLayout(string program)
    {
        MemifRingLayout other = _layout.Other;
        if (Options.Layout is { } chosen)
        {
            return new PeerViolationException(
                $"({program}) has rings with {other}, where layout={chosen.LineSize} of {Name} wants {chosen}: leave that key out");
        }

        var refusal = new PeerViolationException($"({program}) has rings with {other}, not with {_layout}; the next connection will, too");
        _layout = other;
        return refusal;
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        if (Options.IsServer)
            return;
        int rings = configuration.RxQueues + configuration.TxQueues;
        ulong length = MemifOwnRegion.LengthOf(Options, MemifRingLayout.Lines128, Options.Log2RingSize, rings);
        if (length > uint.MaxValue)
        {
            throw new DataplaneException(
                $"{Name} cannot share {length >> 20} MiB for {rings} rings of {1 << Options.Log2RingSize} buffers of {Options.BufferSize} bytes: memif reaches 4 GiB",
                "give it fewer queues, smaller rings (rsize=) or smaller buffers (bsize=)");
        }

        if (Options.ZeroCopy)
            RequireShareable(configuration.Pool);
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => Options switch
    {
        { IsServer: true } => new MemifRxQueue<ServerSide>(context, Id, Options),
        { ZeroCopy: true } => new MemifZeroCopyRxQueue(context, Id, Options),
        _ => new MemifRxQueue<ClientSide>(context, Id, Options),
    };

    protected override TxQueue CreateTxQueue(TxQueueContext context) => Options switch
    {
        { IsServer: true } => new MemifTxQueue<ServerSide>(context, Options),
        { ZeroCopy: true } => new MemifZeroCopyTxQueue(context, Options),
        _ => new MemifTxQueue<ClientSide>(context, Options),
    };

    protected override void OnStart() => Hub.Loop.Invoke(() =>
    {
        IsEnabled = true;
        _connector?.Start();
    });

    protected override void OnStop() => Hub.Loop.Invoke(() =>
    {
        IsEnabled = false;
        _retry?.Dispose();
        _connector?.Dispose();
        Session?.Close("Interface is stopped");
    });

    protected override void OnClose() => Hub.Leave(this);

    protected override LinkStatus ReadLink() => _isUp ? Up : LinkStatus.Down;

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics)
    {
        statistics.Add(new("peer_connections", (ulong)Interlocked.Read(ref _connections)));
        statistics.Add(new("peer_violations", (ulong)Interlocked.Read(ref _violations)));
    }

    protected override void OnResetStatistics()
    {
        Interlocked.Exchange(ref _connections, 0);
        Interlocked.Exchange(ref _violations, 0);
    }

    private void RequireShareable(Mempool pool)
    {
        using var shared = new MemifSharedMemory(Memory, firstRegion: 1);
        unsafe
        {
            if (!shared.TryFind(pool.Zone.Address, pool.Zone.Length, out _))
            {
                throw new DataplaneException(
                    $"{Name} cannot share the mempool {pool.Name} for zero-copy: it is not within the first 4 GiB of its file",
                    "start without --single-file-segments, or leave zero-copy=yes out");
            }
        }
    }

    /// <summary>Says something, but not again and again.</summary>
    private void Notice(LogLevel level, string text)
    {
        Logger.Log(text == _lastNotice ? LogLevel.Debug : level, "{Port}: {Notice}", Name, text);
        _lastNotice = text;
    }
}
