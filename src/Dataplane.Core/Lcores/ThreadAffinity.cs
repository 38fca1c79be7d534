using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Lcores;

/// <summary>The CPUs that a thread may run on. Thread ids are the kernel's; 0 is the caller.</summary>
internal static unsafe class ThreadAffinity
{
    /// <summary>Bits of one word of the kernel's mask (an unsigned long).</summary>
    private static readonly int s_wordBits = sizeof(nuint) * 8;

    /// <summary>The CPUs a thread may run on.</summary>
    /// <returns>False with errno set: ESRCH if the thread is gone.</returns>
    public static bool TryGet(int tid, out CpuSet cpus)
    {
        // glibc's cpu_set_t ends at 1024 CPUs; the kernel answers EINVAL until the mask is as large as its own.
        for (int cpuCount = 1024; cpuCount <= CpuSet.MaxCpus; cpuCount *= 2)
        {
            var words = new nuint[cpuCount / s_wordBits];
            fixed (nuint* mask = words)
            {
                if (Libc.SchedGetAffinity(tid, (nuint)(words.Length * sizeof(nuint)), mask) >= 0)
                {
                    cpus = new CpuSet(Enumerable.Range(0, cpuCount).Where(
                        cpu => (words[cpu / s_wordBits] >> (cpu % s_wordBits) & 1) != 0));
                    return true;
                }
            }

            if (Errno.Last != Errno.EINVAL)
                break;
        }

        cpus = CpuSet.Empty;
        return false;
    }

    /// <summary>Makes a thread run on these CPUs only.</summary>
    /// <returns>False with errno set: EINVAL if none of the CPUs is allowed, ESRCH if it is gone.</returns>
    public static bool TrySet(int tid, CpuSet cpus)
    {
        int highest = cpus.Count == 0 ? 0 : cpus.Cpus[^1];
        var words = new nuint[highest / s_wordBits + 1];
        foreach (int cpu in cpus.Cpus)
            words[cpu / s_wordBits] |= (nuint)1 << (cpu % s_wordBits);
        fixed (nuint* mask = words)
            return Libc.SchedSetAffinity(tid, (nuint)(words.Length * sizeof(nuint)), mask) == 0;
    }

    /// <summary>The ids of all threads of this process, at this moment.</summary>
    public static IReadOnlyList<int> ThreadsOfProcess() =>
        [.. from path in Directory.EnumerateDirectories("/proc/self/task")
            select int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture)];
}
