using Dataplane.Eal;

namespace Dataplane.Lcores;

/// <summary>The lcores of a runtime, decided: every one of them has CPUs that the process may use.</summary>
internal sealed class LcorePlan
{
    private LcorePlan(IReadOnlyList<Lcore> lcores, IReadOnlyList<string> warnings)
    {
        Lcores = lcores;
        Warnings = warnings;
    }

    /// <summary>In ascending order of their ids; at least one.</summary>
    public IReadOnlyList<Lcore> Lcores { get; }

    /// <summary>What is allowed but will be slow: sentences for people.</summary>
    public IReadOnlyList<string> Warnings { get; }

    /// <summary>Compares what the command line asks for with what there is.</summary>
    /// <param name="options">What is asked for.</param>
    /// <param name="allowed">The CPUs that the process may use; at least one.</param>
    /// <param name="topology">The machine.</param>
    /// <exception cref="CommandLineException">
    /// A CPU is not allowed, the main lcore is none of the lcores, or they are too many.
    /// </exception>
    public static LcorePlan Resolve(LcoreOptions options, CpuSet allowed, CpuTopology topology)
    {
        var warnings = new List<string>();
        IReadOnlyList<LcoreAssignment> wanted = options.Assignments is null
            ? EveryAllowedCpu(allowed, warnings)
            : Check(options.Assignments, allowed, topology);
        int[] ids = [.. wanted.Select((lcore, index) => options.RemapBase + index ?? lcore.LcoreId)];
        int main = options.MainLcore ?? ids[0];
        if (!ids.Contains(main))
        {
            throw new CommandLineException(
                $"The main lcore {main} is none of the lcores {new CpuSet(ids)}",
                $"give one of them as --main-lcore, or add {main} to -l");
        }

        Lcore[] lcores = [.. wanted.Select(
            (lcore, index) => new Lcore(ids[index], index, lcore.Cpus, ids[index] == main))];
        warnings.AddRange(SharedCores.Find(lcores, topology));
        return new LcorePlan(lcores, warnings);
    }

    private static LcoreAssignment[] EveryAllowedCpu(CpuSet allowed, List<string> warnings)
    {
        if (allowed.Count > LcoreContext.MaxLcores)
        {
            warnings.Add($"Of the CPUs {allowed} the first {LcoreContext.MaxLcores} are used, " +
                "as many lcores as there can be; choose others with -l");
        }

        IEnumerable<int> cpus = allowed.Cpus.Take(LcoreContext.MaxLcores);
        return [.. cpus.Select(cpu => new LcoreAssignment(cpu, new CpuSet([cpu])))];
    }

    private static LcoreAssignment[] Check(IReadOnlyList<LcoreAssignment> wanted, CpuSet allowed, CpuTopology topology)
    {
        if (wanted.Count > LcoreContext.MaxLcores)
        {
            throw new CommandLineException(
                $"{wanted.Count} lcores are asked for, but there can be at most {LcoreContext.MaxLcores}",
                "give fewer CPUs with -l");
        }

        CpuSet cpus = wanted.Aggregate(CpuSet.Empty, (all, lcore) => all.Union(lcore.Cpus));
        CpuSet missing = cpus.Except(allowed);
        if (missing.Count > 0)
        {
            CpuSet absent = missing.Except(topology.Online);
            (string reason, string more) = absent.Count == 0
                ? ($"CPU {missing} is not among them",
                    ", or let the process have more (taskset -c, cpuset.cpus of its cgroup, " +
                    "in a pod whole CPUs as both requests and limits)")
                : ($"CPU {absent} is not in this machine or switched off (online: {topology.Online})", "");
            throw new CommandLineException(
                $"The lcores need the CPUs {cpus}, but this process may use only the CPUs {allowed}: {reason}",
                $"give -l {allowed}, leave -l out to use them all{more}");
        }

        return [.. wanted.OrderBy(lcore => lcore.LcoreId)];
    }
}
