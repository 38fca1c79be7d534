using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>
/// What the control groups of the process leave of memory: the least of its own group and all its parents, as the kernel
/// charges them all. A pod's limits (<c>hugepages-2Mi:</c>, <c>memory:</c>) are these.
/// </summary>
/// <param name="Left">Bytes.</param>
/// <param name="Limit">Bytes; of the group that leaves least.</param>
/// <param name="File">The file that holds the limit.</param>
internal sealed record CgroupBudget(ulong Left, ulong Limit, string File)
{
    /// <summary>
    /// What the program itself will still take of its memory limit: code, heap, stacks. Without it the pod would be killed
    /// moments after the last buffer fitted.
    /// </summary>
    private const ulong ForTheProgram = 32 * ByteSize.MiB;

    /// <summary>For hugepages of a size; null: no limit. (Documentation/admin-guide/cgroup-v1/hugetlb.rst, cgroup-v2.rst)</summary>
    public static CgroupBudget? ForHugepages(HostFiles files, ulong pageSize)
    {
        string size = ByteSize.FormatForCgroup(pageSize);
        return Least(files, "hugetlb", [$"hugetlb.{size}", $"hugetlb.{size}.rsvd"], keep: 0, _ => 0);
    }

    /// <summary>
    /// For ordinary pages; null: no limit. Cached files count as used but would make room; the program needs some itself.
    /// </summary>
    public static CgroupBudget? ForOrdinaryPages(HostFiles files) => Least(
        files,
        "memory",
        ["memory"],
        ForTheProgram,
        directory => FileCache(files.ReadLines(Path.Join(directory, "memory.stat"))));

    private static CgroupBudget? Least(
        HostFiles files, string controller, string[] counters, ulong keep, Func<string, ulong> reclaimable)
    {
        CgroupBudget? least = null;
        foreach (CgroupPath path in Cgroups.Find(controller, files))
        {
            (string limitName, string usageName) = path.Version == 2
                ? ("max", "current")
                : ("limit_in_bytes", "usage_in_bytes");
            foreach (string directory in path.Directories)
            {
                foreach (string counter in counters)
                {
                    string file = Path.Join(directory, $"{counter}.{limitName}");
                    if (files.ReadNumber(file) is not { } limit)
                        continue;
                    ulong usage = files.ReadNumber(Path.Join(directory, $"{counter}.{usageName}")) ?? 0;
                    usage -= Math.Min(usage, reclaimable(directory));
                    usage += keep;
                    ulong left = limit - Math.Min(limit, usage);
                    if (least is null || left < least.Left)
                        least = new CgroupBudget(left, limit, file);
                }
            }
        }

        // Version 1 has no word for "no limit", only the largest number of pages that fits 63 bits.
        return least?.Limit >= long.MaxValue - ByteSize.GiB ? null : least;
    }

    private static ulong FileCache(string[] statistics)
    {
        // Version 1 counts the groups below only in the total_ lines.
        bool totals = Array.Exists(statistics, line => line.StartsWith("total_", StringComparison.Ordinal));
        string[] names = totals
            ? ["total_inactive_file ", "total_active_file "]
            : ["inactive_file ", "active_file "];
        return statistics
            .Where(line => names.Any(name => line.StartsWith(name, StringComparison.Ordinal)))
            .Aggregate(0UL, (sum, line) => sum + ulong.Parse(line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..]));
    }
}
