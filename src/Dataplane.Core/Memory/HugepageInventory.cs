using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>
/// Which sizes of hugepages the kernel has and how many are free, on the machine and per NUMA node
/// (Documentation/admin-guide/mm/hugetlbpage.rst of Linux). Read anew at every question: other processes take pages too.
/// </summary>
internal sealed class HugepageInventory(HostFiles files)
{
    private const string Machine = "/sys/kernel/mm/hugepages";

    /// <summary>Page sizes in bytes, ascending; empty if the kernel has no hugepages.</summary>
    public IReadOnlyList<ulong> PageSizes() =>
        [.. files.ListNames(Machine).Select(ParseSize).OfType<ulong>().Order()];

    /// <summary>The size that /proc/sys/vm/nr_hugepages and mounts without <c>pagesize=</c> are about.</summary>
    public ulong DefaultPageSize() => files.ReadKibibytes("/proc/meminfo", "Hugepagesize") ?? 2 * ByteSize.MiB;

    /// <summary>How many pages the machine has set aside.</summary>
    public ulong Total(ulong pageSize) => Read(Machine, pageSize, "nr_hugepages");

    /// <summary>How many pages of a node nobody uses or was promised, and those that the kernel would make on demand.</summary>
    public ulong Free(ulong pageSize, int node)
    {
        ulong free = Read(Machine, pageSize, "free_hugepages");
        free -= Math.Min(free, Read(Machine, pageSize, "resv_hugepages"));
        string ofNode = $"/sys/devices/system/node/node{node}/hugepages";
        if (files.ReadNumber($"{ofNode}/{Name(pageSize)}/free_hugepages") is { } freeOnNode)
            free = Math.Min(free, freeOnNode);
        ulong onDemand = Read(Machine, pageSize, "nr_overcommit_hugepages");
        return free + onDemand - Math.Min(onDemand, Read(Machine, pageSize, "surplus_hugepages"));
    }

    /// <summary>The command that sets pages aside, in steps of 64 MiB.</summary>
    /// <param name="pageSize">Bytes.</param>
    /// <param name="missing">How many more pages are needed.</param>
    /// <param name="node">The node that must have them; null: any.</param>
    public string CommandToAdd(ulong pageSize, ulong missing, int? node)
    {
        string directory = node is null ? Machine : $"/sys/devices/system/node/node{node}/hugepages";
        // Zones come one after the other: a few pages more now spare the same message for the next one.
        ulong unit = Math.Max(1, 64 * ByteSize.MiB / pageSize);
        ulong wanted = ByteSize.AlignUp(Read(directory, pageSize, "nr_hugepages") + missing, unit);
        return node is null && pageSize == DefaultPageSize()
            ? $"'echo {wanted} > /proc/sys/vm/nr_hugepages'"
            : $"'echo {wanted} > {directory}/{Name(pageSize)}/nr_hugepages'";
    }

    private ulong Read(string directory, ulong pageSize, string file) =>
        files.ReadNumber($"{directory}/{Name(pageSize)}/{file}") ?? 0;

    private static string Name(ulong pageSize) => $"hugepages-{pageSize >> 10}kB";

    private static ulong? ParseSize(string name)
    {
        const string Prefix = "hugepages-", Suffix = "kB";
        return name.StartsWith(Prefix, StringComparison.Ordinal) && name.EndsWith(Suffix, StringComparison.Ordinal)
            && ulong.TryParse(
                name.AsSpan()[Prefix.Length..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out ulong kib)
                ? kib << 10
                : null;
    }
}
