using Dataplane.Linux;

namespace Dataplane.Lcores;

/// <summary>A thread named <c>lcore-N</c>, bound to its lcore's CPUs, that runs one body and ends.</summary>
internal sealed class LcoreWorker
{
    private const string NamePrefix = "lcore-";

    private readonly Lcore _lcore;
    private readonly nint _owner;
    private readonly Action<Lcore> _body;
    private readonly Action<Exception> _failed;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _bound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _error;

    private LcoreWorker(Lcore lcore, nint owner, Action<Lcore> body, Action<Exception> failed)
    {
        (_lcore, _owner, _body, _failed) = (lcore, owner, body, failed);
        // A background thread: a program that leaves Main does not hang on a lcore that nobody stopped.
        _thread = new Thread(Run) { Name = $"{NamePrefix}{lcore.Id}", IsBackground = true };
    }

    /// <summary>Starts the thread and waits until it is bound.</summary>
    /// <param name="lcore">Which lcore it is.</param>
    /// <param name="owner">The runtime's identity, for <see cref="LcoreContext"/>.</param>
    /// <param name="body">Runs on the thread, once.</param>
    /// <param name="failed">Called on the thread with what the body threw.</param>
    /// <exception cref="DataplaneException">The thread cannot be bound; it has ended then.</exception>
    public static LcoreWorker Start(Lcore lcore, nint owner, Action<Lcore> body, Action<Exception> failed)
    {
        var worker = new LcoreWorker(lcore, owner, body, failed);
        worker._thread.Start();
        worker._bound.Task.GetAwaiter().GetResult();
        return worker;
    }

    /// <summary>Whether a thread of this process is a worker of any runtime.</summary>
    /// <param name="tid">Its id; it may have ended.</param>
    public static bool IsWorker(int tid) =>
        new HostFiles().ReadText($"/proc/self/task/{tid}/comm")?.StartsWith(NamePrefix, StringComparison.Ordinal) == true;

    /// <summary>Waits for the thread's end.</summary>
    /// <returns>What the body threw; null if it came back.</returns>
    public Exception? Join()
    {
        _thread.Join();
        return _error;
    }

    private void Run()
    {
        if (!ThreadAffinity.TrySet(0, _lcore.Cpus))
        {
            _bound.SetException(new DataplaneException(
                $"Cannot bind the thread of lcore {_lcore.Id} to CPU {_lcore.Cpus} " +
                $"(sched_setaffinity: {Errno.DescribeLast()})",
                "give CPUs with -l that the process may use (taskset -cp, cpuset.cpus of its cgroup)"));
            return;
        }

        LcoreContext.Enter(_owner, _lcore.Index);
        _bound.SetResult();
        try
        {
            _body(_lcore);
        }
#pragma warning disable CA1031 // Whatever it is: an exception that leaves a thread kills the process and tells nobody.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _error = e;
            _failed(e);
        }
        finally
        {
            LcoreContext.Leave();
        }
    }
}
