using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// The control thread of ports with peers: it sleeps until a socket can be read, a time has come, or another thread wants
/// something done. All that belongs to a connection is touched by this thread alone, which is what makes it simple. It
/// starts on the CPUs of the thread that makes it, which is no lcore, and stays there.
/// </summary>
/// <remarks>
/// Every method may be called by any thread, the loop's own included. A callback that throws is logged and the loop goes
/// on; that of a descriptor is left alone for a second.
/// </remarks>
internal sealed unsafe class PeerLoop : IDisposable
{
    /// <summary>How often is looked whether the last packets of a connection are back, in milliseconds.</summary>
    private const int RetiredInterval = 10;

    /// <summary>For how long packets may be away that are out when the loop ends, in milliseconds: until all ports have stopped.</summary>
    private const int LongestLingering = 30_000;

    private static readonly TimeSpan PauseAfterFailure = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly ILogger _logger;
    private readonly EventFd _wake = new();
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Under the lock.
    private readonly List<PeerWatch> _watches = [];
    private readonly PriorityQueue<PeerTimer, long> _timers = new();
    private readonly Queue<Action> _posted = new();
    private bool _isStopping;
    private bool _hasEnded;

    // The thread's own.
    private readonly List<PeerWatch> _polled = [];
    private readonly List<(IRetirable Returns, Action Release)> _retired = [];
    private PollDescriptor[] _descriptors = GC.AllocateArray<PollDescriptor>(8, pinned: true);

    /// <param name="name">Of the thread.</param>
    /// <param name="logger">Gets what callbacks throw.</param>
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public PeerLoop(string name, ILogger logger)
    {
        _logger = logger;
        _thread = new Thread(Run, maxStackSize: 512 << 10) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Whether the calling thread is the loop's.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Calls an action whenever a descriptor can be read, or its other end is closed.</summary>
    /// <param name="handle">
    /// Stays the caller's, who ends the watch before closing it. Closed without that, it is forgotten, if on the loop.
    /// </param>
    /// <param name="ready">Reads, or ends the watch: else it is called again at once.</param>
    public void Watch(SafeFileHandle handle, Action ready)
    {
        lock (_gate)
        {
            _watches.Add(new PeerWatch(handle, ready));
            Wake();
        }
    }

    /// <summary>Ends a watch; called on the loop, its action is not called any more.</summary>
    public void Unwatch(SafeFileHandle handle)
    {
        lock (_gate)
        {
            foreach (PeerWatch watch in _watches)
                watch.IsActive &= watch.Handle != handle;
            _watches.RemoveAll(static watch => !watch.IsActive);
            Wake();
        }
    }

    /// <summary>Does something once, on the loop, later.</summary>
    /// <returns>Disposing it cancels.</returns>
    public PeerTimer After(TimeSpan delay, Action action)
    {
        var timer = new PeerTimer(action);
        lock (_gate)
        {
            _timers.Enqueue(timer, Environment.TickCount64 + (long)Math.Ceiling(delay.TotalMilliseconds));
            Wake();
        }

        return timer;
    }

    /// <summary>Does something on the loop as soon as it can.</summary>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public void Post(Action action)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_hasEnded, this);
            _posted.Enqueue(action);
            Wake();
        }
    }

    /// <summary>Does something on the loop and waits until it is done; on the loop itself it is just done.</summary>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    /// <remarks>What the action throws is thrown here.</remarks>
    public void Invoke(Action action)
    {
        if (IsCurrent)
        {
            action();
            return;
        }

        ExceptionDispatchInfo? failure = null;
        using var done = new ManualResetEventSlim();
        Post(() =>
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            finally
            {
                done.Set();
            }
        });
        done.Wait();
        failure?.Throw();
    }

    /// <inheritdoc cref="Invoke(Action)"/>
    /// <returns>What the function returns.</returns>
    public T Invoke<T>(Func<T> function)
    {
        T result = default!;
        Invoke(() => { result = function(); });
        return result;
    }

    /// <summary>
    /// Waits until the last packet of a connection that has ended is back, and then gives back what it referred to. The
    /// lcore must be out of the queue for good. On the loop's thread only; it may end before that.
    /// </summary>
    /// <param name="returns">Of the queue; disposed.</param>
    /// <param name="release">Gives back the memory that packets refer to. On the loop's thread, at once if nothing is out.</param>
    public void Retire(IRetirable returns, Action release)
    {
        if (!TryRelease(returns, release))
            _retired.Add((returns, release));
    }

    /// <summary>
    /// Does what was posted, calls nothing any more, and ends; on the loop itself it ends when the caller returns. Only
    /// what was retired, and packets of other ports still refer to, is waited for and given back behind the caller's back.
    /// </summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isStopping = true;
            Wake();
        }

        if (!IsCurrent)
            _ended.Task.Wait();
    }

    /// <summary>Under the lock. The loop itself looks again before it sleeps.</summary>
    private void Wake()
    {
        if (!_hasEnded && !IsCurrent)
            _wake.Signal();
    }

    private void Run()
    {
        Serve();
        _ended.SetResult();
        // What is not back then has been forgotten by its program, and must stay where it is.
        long end = Environment.TickCount64 + LongestLingering;
        while (_retired.Count != 0 && Environment.TickCount64 < end)
        {
            Thread.Sleep(RetiredInterval);
            ReleaseIdle();
        }
    }

    private void Serve()
    {
        while (true)
        {
            while (TryTakeDue(out Action? due))
                Try(due);
            ReleaseIdle();
            if (!TryPrepare(out int count, out int timeout))
                break;
            int ready = Libc.Poll((PollDescriptor*)Marshal.UnsafeAddrOfPinnedArrayElement(_descriptors, 0), (nuint)count, timeout);
            if (ready <= 0)
                continue;
            if (_descriptors[0].Returned != 0)
                _wake.TryDrain();
            for (int i = 1; i < count; i++)
            {
                if (_descriptors[i].Returned != 0)
                    Call(_polled[i - 1]);
            }
        }
    }

    /// <summary>The next thing to do: what was posted comes first, then timers whose time has come.</summary>
    private bool TryTakeDue(out Action due)
    {
        lock (_gate)
        {
            if (_posted.TryDequeue(out due!))
                return true;
            if (_isStopping || !_timers.TryPeek(out PeerTimer? timer, out long time) || time > Environment.TickCount64)
                return false;
            _timers.Dequeue();
            due = timer.Run;
            return true;
        }
    }

    /// <summary>Says what to wait for and how long; false if the loop ends.</summary>
    private bool TryPrepare(out int count, out int timeout)
    {
        lock (_gate)
        {
            timeout = 0;
            count = 0;
            if (_isStopping && _posted.Count == 0)
            {
                _hasEnded = true;
                _wake.Dispose();
                return false;
            }

            _watches.RemoveAll(static watch => watch.Handle.IsClosed);
            _polled.Clear();
            _polled.AddRange(_watches);
            count = _polled.Count + 1;
            if (_descriptors.Length < count)
                _descriptors = GC.AllocateArray<PollDescriptor>(2 * count, pinned: true);
            _descriptors[0] = new PollDescriptor { Fd = (int)_wake.Handle.DangerousGetHandle(), Events = Libc.POLLIN };
            for (int i = 1; i < count; i++)
                _descriptors[i] = _polled[i - 1].ToPoll();
            if (_posted.Count == 0)
                timeout = UntilNextTimer();
            return true;
        }
    }

    private int UntilNextTimer()
    {
        long wait = _retired.Count != 0 ? RetiredInterval : int.MaxValue;
        bool hasTimer = _timers.TryPeek(out _, out long time);
        if (hasTimer)
            wait = Math.Clamp(time - Environment.TickCount64, 0, wait);
        return hasTimer || _retired.Count != 0 ? (int)wait : -1;
    }

    private void ReleaseIdle()
    {
        for (int i = _retired.Count - 1; i >= 0; i--)
        {
            (IRetirable returns, Action release) = _retired[i];
            if (TryRelease(returns, release))
                _retired.RemoveAt(i);
        }
    }

    private bool TryRelease(IRetirable returns, Action release)
    {
        if (!returns.IsIdle)
            return false;
        returns.Dispose();
        Try(release);
        return true;
    }

    private void Call(PeerWatch watch)
    {
        if (!watch.IsActive || watch.Handle.IsClosed || Try(watch.Ready))
            return;
        watch.IsPaused = true;
        After(PauseAfterFailure, () => watch.IsPaused = false);
    }

    private bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception exception)
        {
            _logger.LogError(exception, "{Thread}: {Message}", _thread.Name, exception.Message);
            return false;
        }
    }
}
