namespace Dataplane.Lcores;

/// <summary>Finds what works but is slow: lcores that share a core, ports on another NUMA node.</summary>
internal static class SharedCores
{
    /// <summary>A sentence for every group of lcores that share a CPU or a physical core.</summary>
    public static IEnumerable<string> Find(IReadOnlyList<Lcore> lcores, CpuTopology topology)
    {
        // Lcores that may float over several CPUs are the user's own choice of sharing; only pinned ones are looked at.
        Lcore[] pinned = [.. lcores.Where(lcore => lcore.Cpus.Count == 1)];
        foreach (IGrouping<int, Lcore> same in pinned.GroupBy(Cpu).Where(group => group.Count() > 1))
            yield return $"lcores {Ids(same)} share CPU {same.Key}, take turns on it and lose most of their speed";

        foreach (IGrouping<CpuSet, Lcore> core in pinned.GroupBy(lcore => topology[Cpu(lcore)].Siblings))
        {
            int[] cpus = [.. core.Select(Cpu).Distinct()];
            if (cpus.Length > 1)
            {
                CpuInfo info = topology[cpus[0]];
                yield return $"lcores {Ids(core)} slow each other down: CPUs {new CpuSet(cpus)} are threads of " +
                    $"one physical core (core {info.Core} of package {info.Package})";
            }
        }
    }

    /// <summary>A sentence if a port is on another NUMA node than its lcore; null if not, or if unknown.</summary>
    /// <param name="port">The port's name.</param>
    /// <param name="portNode">The node of its device; negative: none.</param>
    /// <param name="lcore">The lcore that polls it.</param>
    /// <param name="topology">The machine.</param>
    public static string? CrossNode(string port, int portNode, Lcore lcore, CpuTopology topology) =>
        portNode < 0 || topology.NodeOf(lcore.Cpus) is not { } node || node == portNode
            ? null
            : $"port {port} is on NUMA node {portNode}, but lcore {lcore.Id} (CPU {lcore.Cpus}) is on node {node}: " +
              "every packet crosses between them";

    private static int Cpu(Lcore lcore) => lcore.Cpus.Cpus[0];

    private static CpuSet Ids(IEnumerable<Lcore> lcores) => new(lcores.Select(lcore => lcore.Id));
}
