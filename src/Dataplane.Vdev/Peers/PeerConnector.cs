using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// Connects to a peer that listens, and tries again until there is one: soon at first, because peers often start together, and
/// once a second in the end. On the loop's thread only.
/// </summary>
/// <param name="after">Does something later, on the loop: <see cref="PeerLoop.After"/>.</param>
/// <param name="device">The device's name, for messages.</param>
/// <param name="address">Where the peer listens.</param>
/// <param name="kind">As the protocol says.</param>
/// <param name="logger">Is told once why there is no connection, and again when the reason is another.</param>
/// <param name="connected">Gets the connection and owns it; starts this again when it has ended.</param>
internal sealed class PeerConnector(
    Func<TimeSpan, Action, PeerTimer> after,
    string device,
    PeerAddress address,
    PeerSocketKind kind,
    ILogger logger,
    Action<PeerSocket> connected) : IDisposable
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(1);

    private string _reason = "";
    private PeerTimer? _next;

    /// <summary>Tries now, and later if need be.</summary>
    public void Start() => Try(FirstWait);

    /// <summary>Tries no more; <see cref="Start"/> does again.</summary>
    public void Dispose() => _next?.Dispose();

    private void Try(TimeSpan wait)
    {
        // First, so that a failure of this try is not the last one.
        _next?.Dispose();
        TimeSpan following = 2 * wait < LongestWait ? 2 * wait : LongestWait;
        _next = after(wait, () => Try(following));
        PeerSocket? socket = PeerSocket.TryConnect(address, kind, out string reason);
        if (reason != _reason && socket is null)
            logger.LogInformation("{Device} waits for its peer: {Reason}", device, reason);
        _reason = reason;
        if (socket is null)
            return;
        _next.Dispose();
        connected(socket);
    }
}
