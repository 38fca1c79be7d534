using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Cli.Hugepages;

/// <summary>What <c>--show</c> says.</summary>
/// <param name="DefaultPageSize">Bytes.</param>
/// <param name="Pools">The pages of each size and node.</param>
/// <param name="Mounts">Where a hugetlbfs is mounted.</param>
internal sealed record HugepageState(ulong DefaultPageSize, IReadOnlyList<HugepagePool> Pools, IReadOnlyList<HugetlbMount> Mounts)
{
    public static HugepageState Read(HostFiles files)
    {
        var inventory = new HugepageInventory(files);
        int?[] nodes = [.. inventory.NumaNodes().Cast<int?>()];
        return new HugepageState(
            inventory.DefaultPageSize(),
            [
                .. from node in nodes.Length > 0 ? nodes : [null]
                   from size in inventory.PageSizes()
                   select new HugepagePool(node, size, inventory.Total(size, node), inventory.Unused(size, node)),
            ],
            HugetlbMount.Find(files, inventory.DefaultPageSize()));
    }

    /// <summary>The columns of dpdk-hugepages.py, and what is free.</summary>
    public void WriteTable(TextWriter output)
    {
        output.WriteLine("Node Pages  Size   Total  Free");
        foreach (HugepagePool pool in Pools)
        {
            string node = pool.Node?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-";
            output.WriteLine($"{node,-4} {pool.Pages,-6} {Size(pool.PageSize),-6} {Size(pool.Pages * pool.PageSize),-6} {pool.FreePages}");
        }

        output.WriteLine();
        output.WriteLine(Mounts.Count == 0
            ? "Hugepages not mounted"
            : $"Hugepages mounted on {string.Join(", ", Mounts.Select(mount => $"{mount.Directory} ({Size(mount.PageSize)})"))}");
    }

    /// <summary>Without a blank, so that columns stay columns: <c>2M</c>.</summary>
    private static string Size(ulong bytes) => ByteSize.FormatForKubernetes(bytes).TrimEnd('i');
}

/// <summary>Pages of one size.</summary>
/// <param name="Node">NUMA node; null where the kernel knows none.</param>
/// <param name="PageSize">Bytes.</param>
/// <param name="Pages">Pages set aside.</param>
/// <param name="FreePages">Pages of those that nobody uses.</param>
internal sealed record HugepagePool(int? Node, ulong PageSize, ulong Pages, ulong FreePages);
