using Dataplane.Lcores;
using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>The NUMA nodes with memory that the process may use.</summary>
internal sealed class NumaNodes
{
    private const string AllowedLine = "Mems_allowed_list:";

    private readonly CpuSet _nodes;

    /// <summary>Asks sysfs, and /proc/self/status for what the cpuset leaves; without either there is only node 0.</summary>
    public NumaNodes(HostFiles files)
    {
        CpuSet present = files.ReadSet("/sys/devices/system/node/has_memory") ?? CpuSet.Empty;
        string? line = Array.Find(
            files.ReadLines("/proc/self/status"), l => l.StartsWith(AllowedLine, StringComparison.Ordinal));
        CpuSet allowed = line is null ? CpuSet.Empty : CpuSet.Parse(line[AllowedLine.Length..].Trim());
        CpuSet both = allowed.Count > 0 ? present.Intersect(allowed) : present;
        _nodes = both.Count > 0 ? both : new CpuSet([0]);
    }

    /// <summary>Whether there is more than one, so that pages must be bound.</summary>
    public bool AreSeveral => _nodes.Count > 1;

    /// <summary>Where to look for memory, in order.</summary>
    /// <param name="node">The node that it must be on; -1: any, first the one that the calling thread runs on.</param>
    /// <exception cref="DataplaneException">There is no such node.</exception>
    public IReadOnlyList<int> InOrder(int node)
    {
        if (node < 0)
            return [.. _nodes.Cpus.OrderBy(n => n != Libc.CurrentNode())];
        return _nodes.Contains(node)
            ? [node]
            : throw new DataplaneException(
                $"There is no memory of NUMA node {node} for this process, which may use: {_nodes}");
    }
}
