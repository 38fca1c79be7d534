namespace Dataplane.Linux;

/// <summary>
/// Looks ten times a second whether the counter of an eventfd is full, which takes 2^64 - 2 signals and nobody does in good
/// faith: if the file blocks as well, a lcore may be waiting in its write. Then the counter is emptied, and nobody writes to it
/// any more.
/// </summary>
/// <remarks>
/// A peer can clear O_NONBLOCK and fill the counter between any check of ours and the write, so that no check helps.
/// pwritev2(2) refuses RWF_NOWAIT for eventfds; io_submit(2) with IOCB_FLAG_RESFD never waits, but takes three times as long.
/// </remarks>
internal sealed unsafe class FullEventWatch : IDisposable
{
    /// <summary>How long a peer can hold a lcore up, once; in milliseconds.</summary>
    private const int Interval = 100;

    /// <summary>Threads of the peer may fill it again at once; at the next time it is our turn again.</summary>
    private const int MaxDrains = 1000;

    private readonly Lock _gate = new();
    private readonly EventFd _event;
    private readonly Timer _timer;
    private volatile bool _hasBeenFull;
    private bool _isDisposed;

    public FullEventWatch(EventFd watched)
    {
        _event = watched;
        _timer = new Timer(_ => Look(), state: null, Interval, Interval);
    }

    /// <summary>Whether it was full at any look.</summary>
    public bool HasBeenFull => _hasBeenFull;

    /// <summary>Before the file is closed.</summary>
    public void Dispose()
    {
        lock (_gate)
            _isDisposed = true;
        _timer.Dispose();
    }

    private void Look()
    {
        lock (_gate)
        {
            for (int i = 0; i < MaxDrains && !_isDisposed && IsFull(); i++)
            {
                _hasBeenFull = true;
                _ = EventFd.TryUnblock(_event.Handle);
                _ = _event.TryDrain();
            }
        }
    }

    private bool IsFull()
    {
        var wait = new PollDescriptor { Fd = (int)_event.Handle.DangerousGetHandle(), Events = Libc.POLLOUT };
        return Libc.Poll(&wait, 1, timeoutMilliseconds: 0) >= 0 && (wait.Returned & Libc.POLLOUT) == 0;
    }
}
