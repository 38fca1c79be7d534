using Dataplane.Linux;

namespace Dataplane.Lcores;

/// <summary>
/// Which CPUs the machine has, which of them are threads of one physical core, and their NUMA nodes, from sysfs
/// (Documentation/admin-guide/cputopology.rst of Linux).
/// </summary>
internal sealed class CpuTopology
{
    private const string Sysfs = "/sys/devices/system/";

    private readonly Dictionary<int, CpuInfo> _cpus;

    private CpuTopology(CpuSet online, Dictionary<int, CpuInfo> cpus)
    {
        Online = online;
        _cpus = cpus;
    }

    /// <summary>The CPUs that are switched on.</summary>
    public CpuSet Online { get; }

    /// <summary>How many NUMA nodes have such a CPU.</summary>
    public int NodeCount => Online.Cpus.Select(cpu => this[cpu].Node).Distinct().Count();

    /// <summary>What is known of a CPU; of one that sysfs does not have: a core of its own on node 0.</summary>
    public CpuInfo this[int cpu] => _cpus.TryGetValue(cpu, out CpuInfo? info) ? info : CpuInfo.Alone(cpu);

    /// <summary>The NUMA node that all the CPUs are on, or null if they are on several.</summary>
    public int? NodeOf(CpuSet cpus)
    {
        int[] nodes = [.. cpus.Cpus.Select(cpu => this[cpu].Node).Distinct()];
        return nodes.Length == 1 ? nodes[0] : null;
    }

    /// <summary>Reads sysfs. A CPU that it does not show (containers mask it) is a core of its own on node 0.</summary>
    /// <param name="files">Where /sys is.</param>
    public static CpuTopology Read(HostFiles files)
    {
        CpuSet online = files.ReadSet(Sysfs + "cpu/online")
            ?? new CpuSet(Enumerable.Range(0, Environment.ProcessorCount));
        Dictionary<int, int> nodes = ReadNodes(files);
        var cpus = new Dictionary<int, CpuInfo>();
        foreach (int cpu in online.Cpus)
        {
            string topology = $"{Sysfs}cpu/cpu{cpu}/topology/";
            // core_cpus_list is the name since Linux 5.3; thread_siblings_list remains as the older one.
            CpuSet siblings = files.ReadSet(topology + "core_cpus_list")
                ?? files.ReadSet(topology + "thread_siblings_list")
                ?? new CpuSet([cpu]);
            cpus[cpu] = new CpuInfo(
                (int)(files.ReadNumber(topology + "core_id") ?? (ulong)cpu),
                // Arm machines without a description of packages say -1, which is no number to ReadNumber.
                (int)(files.ReadNumber(topology + "physical_package_id") ?? 0),
                nodes.GetValueOrDefault(cpu),
                siblings);
        }

        return new CpuTopology(online, cpus);
    }

    private static Dictionary<int, int> ReadNodes(HostFiles files)
    {
        var nodes = new Dictionary<int, int>();
        foreach (int node in files.ReadSet(Sysfs + "node/online")?.Cpus ?? [])
        {
            foreach (int cpu in files.ReadSet($"{Sysfs}node/node{node}/cpulist")?.Cpus ?? [])
                nodes[cpu] = node;
        }

        return nodes;
    }
}

/// <summary>Where a CPU is.</summary>
/// <param name="Core">The physical core's number within its package.</param>
/// <param name="Package">The physical package (socket).</param>
/// <param name="Node">The NUMA node.</param>
/// <param name="Siblings">The CPUs that are threads of the same physical core, this one included.</param>
internal sealed record CpuInfo(int Core, int Package, int Node, CpuSet Siblings)
{
    public static CpuInfo Alone(int cpu) => new(cpu, 0, 0, new CpuSet([cpu]));
}
