using Dataplane.Linux;

namespace Dataplane.Lcores;

/// <summary>The CPUs that the process may use: what its affinity mask and its cpuset leave it.</summary>
internal static class AllowedCpus
{
    /// <summary>Asks the kernel.</summary>
    /// <remarks>
    /// The mask of the process (taskset, the container runtime) is the union over its threads. The main thread's alone
    /// is not: another runtime may have narrowed it to keep its workers' CPUs free (<see cref="ControlThreads"/>).
    /// </remarks>
    public static CpuSet OfThisProcess()
    {
        CpuSet allowed = CpuSet.Empty;
        foreach (int tid in ThreadAffinity.ThreadsOfProcess())
        {
            if (ThreadAffinity.TryGet(tid, out CpuSet cpus))
                allowed = allowed.Union(cpus);
        }

        return Within(allowed, new HostFiles());
    }

    /// <summary>What the cpusets that hold the process leave of an affinity mask.</summary>
    /// <param name="affinity">The CPUs of the affinity mask.</param>
    /// <param name="files">Where /proc and the cgroup mounts are.</param>
    public static CpuSet Within(CpuSet affinity, HostFiles files)
    {
        CpuSet allowed = affinity;
        foreach (CgroupPath path in Cgroups.Find("cpuset", files))
        {
            // Version 2 has the file only where the controller is enabled: the nearest parent that has it counts.
            string[] names = path.Version == 2 ? ["cpuset.cpus.effective"] : ["cpuset.effective_cpus", "cpuset.cpus"];
            CpuSet? cpuset = path.Directories
                .SelectMany(directory => names.Select(name => Path.Join(directory, name)))
                .Select(files.ReadSet)
                .FirstOrDefault(cpus => cpus is not null);
            // A mask and a cpuset without a common CPU exist for a moment only, while the kernel moves the threads.
            if (cpuset is not null && allowed.Intersect(cpuset) is { Count: > 0 } common)
                allowed = common;
        }

        return allowed;
    }
}
