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
    private const string Nodes = "/sys/devices/system/node";

    /// <summary>Page sizes in bytes, ascending; empty if the kernel has no hugepages.</summary>
    public IReadOnlyList<ulong> PageSizes() =>
        [.. files.ListNames(Machine).Select(ParseSize).OfType<ulong>().Order()];

    /// <summary>The size that /proc/sys/vm/nr_hugepages and mounts without <c>pagesize=</c> are about.</summary>
    public ulong DefaultPageSize() => files.ReadKibibytes("/proc/meminfo", "Hugepagesize") ?? 2 * ByteSize.MiB;

    /// <summary>The NUMA nodes that have pools of their own; empty where the kernel knows no nodes.</summary>
    public IReadOnlyList<int> NumaNodes() =>
    [
        .. from name in files.ListNames(Nodes)
           let number = name.StartsWith("node", StringComparison.Ordinal) && int.TryParse(name.AsSpan(4), out int n) ? n : -1
           where number >= 0 && files.Exists(Directory(number))
           orderby number
           select number,
    ];

    /// <summary>How many pages the machine, or a node, has set aside; those in use that are freed when they are let go count, too.</summary>
    public ulong Total(ulong pageSize, int? node = null) => Read(Directory(node), pageSize, "nr_hugepages");

    /// <summary>How many of those nobody uses; some of them may be promised.</summary>
    public ulong Unused(ulong pageSize, int? node = null) => Read(Directory(node), pageSize, "free_hugepages");

    /// <summary>Sets aside as many pages as the memory has free, up to a number, or frees what is above it and not in use.</summary>
    /// <returns>0, or an error number; <see cref="Total"/> says what has become of it.</returns>
    public int SetTotal(ulong pageSize, int? node, ulong pages) =>
        files.Write($"{Directory(node)}/{Name(pageSize)}/nr_hugepages", pages.ToString(CultureInfo.InvariantCulture));

    /// <summary>How many pages of a node nobody uses or was promised, and those that the kernel would make on demand.</summary>
    public ulong Free(ulong pageSize, int node)
    {
        ulong free = Read(Machine, pageSize, "free_hugepages");
        free -= Math.Min(free, Read(Machine, pageSize, "resv_hugepages"));
        if (files.ReadNumber($"{Directory(node)}/{Name(pageSize)}/free_hugepages") is { } freeOnNode)
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
        string directory = Directory(node);
        // Zones come one after the other: a few pages more now spare the same message for the next one.
        ulong unit = Math.Max(1, 64 * ByteSize.MiB / pageSize);
        ulong wanted = ByteSize.AlignUp(Read(directory, pageSize, "nr_hugepages") + missing, unit);
        return node is null && pageSize == DefaultPageSize()
            ? $"'echo {wanted} > /proc/sys/vm/nr_hugepages'"
            : $"'echo {wanted} > {directory}/{Name(pageSize)}/nr_hugepages'";
    }

    private static string Directory(int? node) => node is null ? Machine : $"{Nodes}/node{node}/hugepages";

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
