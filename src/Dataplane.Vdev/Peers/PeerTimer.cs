namespace Dataplane.Vdev.Peers;

/// <summary>Something that a <see cref="PeerLoop"/> does once, later. Disposing it on the loop makes sure that it does not.</summary>
internal sealed class PeerTimer(Action action) : IDisposable
{
    private volatile bool _isCancelled;

    /// <summary>Does it, unless it was cancelled. By the loop.</summary>
    public void Run()
    {
        if (_isCancelled)
            return;
        _isCancelled = true;
        action();
    }

    public void Dispose() => _isCancelled = true;
}
