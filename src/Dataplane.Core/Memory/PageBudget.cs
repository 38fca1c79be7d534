using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>
/// How much memory is to be had, asked before any is taken: mapping more than there is succeeds at first and kills the
/// process with SIGBUS (or the OOM killer) when it touches the pages.
/// </summary>
internal sealed class PageBudget(HostFiles files, IReadOnlyList<int>? limitPerNode, bool severalNodes)
{
    private readonly HugepageInventory _inventory = new(files);
    private readonly Dictionary<int, ulong> _taken = [];

    /// <summary>Whether the machine has any page of this size.</summary>
    public bool HasPagesOf(PageSource source) => !source.IsHuge || _inventory.Total(source.PageSize) > 0;

    /// <summary>Bytes that can be had on a node.</summary>
    public ulong Available(PageSource source, int node) => Bounds(source, node, 0).Min(b => b.Bytes);

    /// <summary>Fails if a segment of this size is not to be had.</summary>
    /// <exception cref="DataplaneException">Everything that is in the way, and how to mend it.</exception>
    public void Require(PageSource source, int node, ulong bytes)
    {
        Bound[] tooTight = [.. Bounds(source, node, bytes).Where(b => b.Bytes < bytes)];
        if (tooTight.Length > 0)
        {
            throw new DataplaneException(
                string.Join(" and ", tooTight.Select(b => b.Problem)),
                string.Join(" and ", tooTight.Select(b => b.Remedy)));
        }
    }

    /// <summary>Counts a segment against the limit of its node.</summary>
    public void Take(int node, ulong bytes) => _taken[node] = _taken.GetValueOrDefault(node) + bytes;

    private IEnumerable<Bound> Bounds(PageSource source, int node, ulong wanted)
    {
        yield return source.IsHuge ? FreeHugepages(source, node, wanted) : FreeMemory(wanted);
        if (CgroupOf(source) is { } cgroup)
        {
            string resource = source.IsHuge ? $"hugepages-{ByteSize.FormatForKubernetes(source.PageSize)}" : "memory";
            string limit = ByteSize.FormatForKubernetes(ByteSize.Ceiling(cgroup.Limit + wanted - Math.Min(wanted, cgroup.Left)));
            yield return new Bound(
                cgroup.Left,
                $"the cgroup's limit of {ByteSize.Format(cgroup.Limit)} leaves {ByteSize.About(cgroup.Left)} ({cgroup.File})",
                $"raise the pod's limit to '{resource}: {limit}'");
        }

        if (source.BytesLeft is { } left)
        {
            yield return new Bound(
                left,
                $"the size= option of the mount leaves {ByteSize.Format(left)} of {source.Description}",
                "mount it with a larger size=");
        }

        if (limitPerNode?.ElementAtOrDefault(node) is > 0 and int mebibytes)
        {
            ulong limit = (ulong)mebibytes * ByteSize.MiB;
            ulong leftOfLimit = limit - Math.Min(limit, _taken.GetValueOrDefault(node));
            yield return new Bound(
                leftOfLimit,
                $"--socket-limit of {ByteSize.Format(limit)} leaves {ByteSize.Format(leftOfLimit)} on NUMA node {node}",
                "raise --socket-limit");
        }
    }

    private Bound FreeHugepages(PageSource source, int node, ulong wanted)
    {
        ulong pageSize = source.PageSize;
        ulong free = _inventory.Free(pageSize, node) + (source.Reusable / pageSize);
        ulong needed = wanted / pageSize;
        string where = severalNodes ? $" on NUMA node {node}" : "";
        string command = _inventory.CommandToAdd(pageSize, needed - Math.Min(needed, free), severalNodes ? node : null);
        return new Bound(
            free * pageSize,
            $"{needed} hugepages of {ByteSize.Format(pageSize)} are needed{where} and {free} are free",
            $"run {command}");
    }

    private Bound FreeMemory(ulong wanted)
    {
        ulong available = files.ReadKibibytes("/proc/meminfo", "MemAvailable") ?? ulong.MaxValue;
        return new Bound(
            available,
            $"{ByteSize.Format(wanted)} are needed and the machine has {ByteSize.About(available)} left",
            "ask for less, or end other programs");
    }

    private CgroupBudget? CgroupOf(PageSource source) => source.IsHuge
        ? CgroupBudget.ForHugepages(files, source.PageSize)
        : CgroupBudget.ForOrdinaryPages(files);

    /// <summary>One of the things that bound memory.</summary>
    private sealed record Bound(ulong Bytes, string Problem, string Remedy);
}
