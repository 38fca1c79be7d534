using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Cli.Hugepages;

/// <summary>Gives hugepages back to the system, as far as nobody uses them.</summary>
internal sealed class HugepageRelease(HostFiles files, IMounts mounts, TextWriter output)
{
    /// <summary>
    /// Part of the path of what kubelet mounts for a pod, whose containers have mounts of their own of it: unmounting it would
    /// succeed although the pod runs, and its next container would find an empty directory.
    /// </summary>
    private const string PodVolume = "/volumes/kubernetes.io~";

    private readonly HugepageInventory _inventory = new(files);

    /// <summary>Unmounts hugetlbfs, so that files that were left there hold nothing, and frees pages.</summary>
    /// <param name="pageSize">Of this size; null: of all.</param>
    /// <param name="node">Only pages of this node, and nothing is unmounted; null: of all.</param>
    /// <exception cref="DataplaneException">The kernel refused.</exception>
    public void Run(ulong? pageSize, int? node)
    {
        if (node is null)
        {
            // The last that was mounted is the first to go: mounts may lie on each other.
            foreach (HugetlbMount mount in HugetlbMount.Find(files, _inventory.DefaultPageSize()).Reverse())
            {
                if (pageSize is null || pageSize == mount.PageSize)
                    Unmount(mount.Directory);
            }
        }

        foreach (ulong size in pageSize is { } only ? [only] : _inventory.PageSizes())
            Free(size, node);
    }

    private void Unmount(string directory)
    {
        if (directory.Contains(PodVolume, StringComparison.Ordinal))
        {
            output.WriteLine($"{directory} stays mounted: it belongs to a pod");
            return;
        }

        int error = mounts.Unmount(directory);
        output.WriteLine(error switch
        {
            0 => $"{directory} is unmounted",
            Errno.EBUSY => $"{directory} stays mounted: a program has files open there",
            _ => $"{directory} stays mounted: {Errno.Describe(error)}",
        });
    }

    private void Free(ulong size, int? node)
    {
        ulong before = _inventory.Total(size, node);
        if (before == 0)
            return;
        int error = _inventory.SetTotal(size, node, 0);
        if (error != 0)
            throw HugepageSetup.Refused("free hugepages", error);
        ulong left = _inventory.Total(size, node);
        output.WriteLine($"{before - left} hugepages of {ByteSize.Format(size)} are freed");
        if (left > 0)
            output.WriteLine($"{left} hugepages of {ByteSize.Format(size)} are in use; they are freed when their programs end");
    }
}
