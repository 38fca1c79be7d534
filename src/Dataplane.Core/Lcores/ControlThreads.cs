namespace Dataplane.Lcores;

/// <summary>
/// Keeps every thread that is no worker (GC, finalizer, tiering, thread pool, signals, the program's own) off the CPUs
/// where workers poll, as long as the process has other CPUs.
/// </summary>
/// <remarks>
/// <para>Takes the workers' CPUs away from each thread of the process that has others left, but for workers, of this
/// runtime and of others, which are known by their names.</para>
/// <para>Threads made later follow by themselves: a new thread inherits its maker's mask, and .NET gives a managed or
/// runtime thread the mask of the main thread even when a worker makes it (CoreCLR's CPalThread::ThreadEntry).</para>
/// </remarks>
internal sealed class ControlThreads : IDisposable
{
    private readonly CpuSet _taken;
    /// <summary>Masks that we set, with what each was before.</summary>
    private readonly Dictionary<CpuSet, CpuSet> _before = [];

    private ControlThreads(CpuSet taken) => _taken = taken;

    /// <summary>Moves the threads away; disposing lets them back.</summary>
    /// <param name="workers">The CPUs of the workers.</param>
    public static ControlThreads KeepOff(CpuSet workers)
    {
        var moved = new ControlThreads(workers);
        // A thread that was not yet moved may make another one meanwhile: look again until there is none to move.
        while (moved.MoveThreads())
        {
        }

        return moved;
    }

    /// <summary>Gives the CPUs back to the threads, those made since then included.</summary>
    public void Dispose()
    {
        foreach (int tid in Threads())
        {
            // Only masks that are still as we left them (or as they were inherited): whoever set others meant it.
            if (ThreadAffinity.TryGet(tid, out CpuSet cpus) && _before.TryGetValue(cpus, out CpuSet? before))
                ThreadAffinity.TrySet(tid, before);
        }

        _before.Clear();
    }

    /// <summary>All threads of the process that are no worker of any runtime.</summary>
    private static IEnumerable<int> Threads() => ThreadAffinity.ThreadsOfProcess().Where(tid => !LcoreWorker.IsWorker(tid));

    private bool MoveThreads()
    {
        bool any = false;
        foreach (int tid in Threads())
        {
            if (!ThreadAffinity.TryGet(tid, out CpuSet cpus))
                continue;
            CpuSet left = cpus.Except(_taken);
            // A thread that ended meanwhile, or that the system protects, is none that could be moved.
            if (left.Count == 0 || left.Count == cpus.Count || !ThreadAffinity.TrySet(tid, left))
                continue;
            _before.TryAdd(left, cpus);
            any = true;
        }

        return any;
    }
}
