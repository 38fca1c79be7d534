using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>
/// A port's way to its back ends, one after the other: connects or accepts, again and again, and lets sessions run while
/// the port is started. A connection outlives a stop of the port: the next start shows the back end new rings.
/// </summary>
internal sealed class BackEndLink : IDisposable
{
    /// <summary>How often is looked whether the back end broke a rule, or owes an answer for too long.</summary>
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a stop waits for the back end to let go of the rings, and an allocation for it to take new memory.</summary>
    private static readonly TimeSpan AnswerAtMost = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A back end that closes the connection may still be in the middle of a burst, with our buffers: DPDK's library closes
    /// first and stops its lcores then. Only behind this time are buffers used for something else.
    /// </summary>
    private static readonly TimeSpan LastBurst = TimeSpan.FromMilliseconds(20);

    /// <summary>Least milliseconds between two connections, so that a back end that fails at once does not keep us busy.</summary>
    private const long ReconnectInterval = 1000;

    private readonly PeerLoop _loop;
    private readonly string _device;
    private readonly ILogger _logger;
    private readonly Action<bool> _changed;
    private readonly PeerListener? _listener;
    private readonly PeerConnector? _connector;

    // Goes with rings that are not to be signalled, for back ends that insist on a file.
    private readonly EventFd _silentCall = new();

    // On the loop's thread only.
    private readonly SharedRegions _regions = new();
    private VirtioUserSession? _session;
    private IReadOnlyList<IVirtioUserRing> _rings = [];
    private VirtioFeatures _wanted;
    private TaskCompletionSource? _announcement;
    private long _connectedAt;
    private bool _isStarted;
    private bool _isListening;
    private bool _isLost;

    // What was last wrong, so that it is not said every second; none when packets have flowed.
    private string _complaint = "";

    // Written on the loop's thread.
    private volatile bool _isUp;
    private ulong _connections;
    private ulong _violations;

    /// <param name="loop">Where it runs; owned by this object.</param>
    /// <param name="device">The device's name, for messages.</param>
    /// <param name="address">Where back ends are.</param>
    /// <param name="listener">Of a server; owned by this object. Null: back ends listen.</param>
    /// <param name="logger">For notices.</param>
    /// <param name="changed">Told when packets begin or cease to flow. On the loop's thread.</param>
    public BackEndLink(
        PeerLoop loop, string device, PeerAddress address, PeerListener? listener, ILogger logger, Action<bool> changed)
    {
        _loop = loop;
        _device = device;
        _listener = listener;
        _logger = logger;
        _changed = changed;
        if (listener is null)
            _connector = new PeerConnector(loop.After, device, address, PeerSocketKind.Stream, logger, OnConnected);
    }

    /// <summary>Whether packets flow. Any thread.</summary>
    public bool IsUp => _isUp;

    /// <summary>Back ends that there were. Any thread.</summary>
    public ulong Connections => Volatile.Read(ref _connections);

    /// <summary>Back ends that broke a rule. Any thread.</summary>
    public ulong Violations => Volatile.Read(ref _violations);

    /// <summary>Lets packets flow whenever there is a back end.</summary>
    /// <param name="rings">Of the port's queues.</param>
    /// <param name="wanted">What may be accepted of what a back end offers.</param>
    public void Start(IReadOnlyList<IVirtioUserRing> rings, VirtioFeatures wanted) => _loop.Invoke(() =>
    {
        _rings = rings;
        _wanted = wanted;
        _isStarted = true;
        Guard(RunSession);
        if (_isListening)
            return;
        _isListening = true;
        Listen();
    });

    /// <summary>Takes back what the back end has sent. No lcore sends any more.</summary>
    /// <returns>How many packets it still has; none if it is gone.</returns>
    public int Clean(IEnumerable<VirtioUserTxQueue> queues) =>
        _loop.Invoke(() => _isUp ? queues.Sum(queue => queue.Clean()) : 0);

    /// <summary>Has the back end let go of the rings; one that does not is left. All buffers are back then.</summary>
    public void Stop()
    {
        var stopped = new TaskCompletionSource();
        _loop.Invoke(() =>
        {
            _isStarted = false;
            if (_session is not null && !_isLost)
                Guard(() => _session.Stop(stopped.SetResult));
        });

        // A stop on the loop itself, in the handler of an event, has no time to wait for an answer.
        if (!_loop.IsCurrent)
            WaitFor(stopped);
        _loop.Invoke(() =>
        {
            if (_session is not null && !_isLost && !stopped.Task.IsCompleted)
                Lose($"does not let go of its rings within {AnswerAtMost.TotalSeconds} s", isViolation: true);
            EndLost();
            UpdateLink();
        });
    }

    /// <summary>Shows the back end a segment of memory before it is used. On the thread that allocates, which must not be the loop's.</summary>
    /// <exception cref="DataplaneException">The back end does not take that much.</exception>
    public void AddSegment(MemorySegment segment)
    {
        SharedRegion region = SharedRegion.Of(segment);
        var announcement = new TaskCompletionSource();
        _loop.Invoke(() => Announce(region, announcement));
        WaitFor(announcement);
        _loop.Invoke(() =>
        {
            if (_announcement == announcement)
                Lose($"does not take new memory within {AnswerAtMost.TotalSeconds} s", isViolation: true);
        });
    }

    /// <summary>Ends everything.</summary>
    public void Dispose()
    {
        _loop.Invoke(() =>
        {
            _isListening = false;
            _connector?.Dispose();
            _listener?.Dispose();
            EndSession();
        });
        _loop.Dispose();
        _silentCall.Dispose();
    }

    private static void WaitFor(TaskCompletionSource answer) => _ = answer.Task.Wait(AnswerAtMost);

    private void Announce(SharedRegion region, TaskCompletionSource announcement)
    {
        _regions.Add(region);
        if (_session is not { } session || _isLost)
        {
            announcement.SetResult();
            return;
        }

        try
        {
            session.CheckRegions();
        }
        catch (DataplaneException exception)
        {
            _regions.Remove(region);
            throw new DataplaneException($"{_device}: {session.Socket.Peer} {exception.Problem}", exception.Remedy);
        }

        _announcement = announcement;
        Guard(() => session.Announce(EndAnnouncement));
    }

    private void EndAnnouncement()
    {
        _announcement?.TrySetResult();
        _announcement = null;
    }

    private void Listen()
    {
        if (!_isListening)
            return;
        if (_listener is { } listener)
        {
            _loop.Watch(listener.Handle, OnAccept);
            return;
        }

        long since = Environment.TickCount64 - _connectedAt;
        if (_connectedAt == 0 || since >= ReconnectInterval)
            _connector!.Start();
        else
            _loop.After(TimeSpan.FromMilliseconds(ReconnectInterval - since), ConnectAgain);
    }

    private void ConnectAgain()
    {
        if (_isListening && _session is null)
            _connector!.Start();
    }

    private void OnAccept()
    {
        // It may be the successor of one that has just gone, which is not known yet.
        if (_session is not null)
            OnMessage();
        if (_isLost || _listener!.TryAccept() is not { } socket)
            return;
        if (_session is null)
        {
            OnConnected(socket);
            return;
        }

        _logger.LogWarning("{Device}: {Peer} is refused, {Other} is connected", _device, socket.Peer, _session.Socket.Peer);
        socket.Dispose();
    }

    private void OnConnected(PeerSocket socket)
    {
        LogLevel level = _complaint.Length != 0 ? LogLevel.Debug : LogLevel.Information;
        _logger.Log(level, "{Device}: {Peer} is connected", _device, socket.Peer);
        _connectedAt = Environment.TickCount64;
        _connections++;
        VirtioUserSession session = _session = new VirtioUserSession(socket, _regions, _silentCall);
        _loop.Watch(socket.Handle, OnMessage);
        CheckLater(session);
        Guard(session.Begin);
        Guard(RunSession);
    }

    private void RunSession()
    {
        if (!_isStarted || _isLost || _session is not { } session)
            return;
        session.Run(_rings, _wanted, () =>
        {
            _complaint = "";
            _logger.LogInformation("{Device}: {Queues} queues with {Features}", _device, _rings.Count, session.Features);
        });
    }

    private void OnMessage() => Guard(() =>
    {
        if (_session is not null && !_isLost && !_session.TryServe())
            Lose("has closed the connection", isViolation: false);
    });

    private void CheckLater(VirtioUserSession session) => _loop.After(CheckInterval, () =>
    {
        if (_session != session || _isLost)
            return;
        Guard(session.Check);
        CheckLater(session);
    });

    /// <summary>Does what may find out that the back end broke a rule, which ends its connection and nothing else.</summary>
    private void Guard(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is PeerViolationException or DataplaneException)
        {
            Lose(exception.Message, isViolation: true);
        }

        UpdateLink();
    }

    /// <summary>Lets no lcore in any more. Rings and buffers stay where they are for a moment.</summary>
    private void Lose(string reason, bool isViolation)
    {
        if (_session is not { } session || _isLost)
            return;
        _isLost = true;
        if (isViolation)
        {
            _violations++;
            LogLevel level = reason == _complaint ? LogLevel.Debug : LogLevel.Warning;
            _logger.Log(level, "{Device}: {Peer} {Reason}; the connection ends", _device, session.Socket.Peer, reason);
            _complaint = reason;
        }
        else
        {
            _logger.LogInformation("{Device}: {Peer} {Reason}", _device, session.Socket.Peer, reason);
        }

        if (_listener is { } listener)
            _loop.Unwatch(listener.Handle);
        _loop.Unwatch(session.Socket.Handle);
        session.Disconnect();
        EndAnnouncement();
        _loop.After(LastBurst, () =>
        {
            if (_session == session)
                EndSession();
        });
        UpdateLink();
    }

    /// <summary>Does not wait for the moment to pass of itself.</summary>
    private void EndLost()
    {
        if (!_isLost)
            return;
        Thread.Sleep(LastBurst);
        EndSession();
    }

    private void EndSession()
    {
        _session?.Dispose();
        _session = null;
        _isLost = false;
        EndAnnouncement();
        UpdateLink();
        Listen();
    }

    private void UpdateLink()
    {
        bool isUp = _session is { IsRunning: true };
        if (isUp == _isUp)
            return;
        _isUp = isUp;
        _changed(isUp);
    }
}
