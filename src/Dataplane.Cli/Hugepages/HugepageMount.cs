using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Cli.Hugepages;

/// <summary>Sees to it that a hugetlbfs is mounted.</summary>
internal sealed class HugepageMount(HostFiles files, IMounts mounts, TextWriter output)
{
    private const string DefaultDirectory = "/dev/hugepages"; // systemd's

    /// <summary>Mounts one if there is none of the page size, or none in the directory.</summary>
    /// <param name="pageSize">Bytes.</param>
    /// <param name="directory">Where it must be; null: anywhere.</param>
    /// <exception cref="DataplaneException">The kernel refused.</exception>
    public void Ensure(ulong pageSize, string? directory)
    {
        ulong defaultPageSize = new HugepageInventory(files).DefaultPageSize();
        IReadOnlyList<HugetlbMount> there = HugetlbMount.Find(files, defaultPageSize);
        string? wanted = directory is null ? null : Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (there.LastOrDefault(mount => wanted is null ? mount.PageSize == pageSize : mount.Directory == wanted) is { } found)
        {
            if (found.PageSize != pageSize)
            {
                throw new DataplaneException(
                    $"{found.Directory} has a hugetlbfs of {ByteSize.Format(found.PageSize)} pages already",
                    "give another directory with --mount");
            }

            output.WriteLine($"A hugetlbfs is mounted on {found.Directory} already");
            return;
        }

        // Pages of another size than the kernel's default get a directory with their size in its name.
        string target = wanted
            ?? (pageSize == defaultPageSize ? DefaultDirectory : $"{DefaultDirectory}-{ByteSize.FormatForKubernetes(pageSize)}");
        int error = mounts.Mount(target, pageSize);
        if (error != 0)
        {
            throw new DataplaneException(
                $"Cannot mount a hugetlbfs on {target}: {Errno.Describe(error)}",
                error switch
                {
                    Errno.EACCES or Errno.EPERM => "run it as root, on the host or in a privileged container",
                    Errno.ENOENT => "the directory cannot be made: give another with --mount",
                    _ => "give another directory with --mount; l2fwd can do without: --in-memory",
                });
        }

        output.WriteLine($"A hugetlbfs of {ByteSize.Format(pageSize)} pages is mounted on {target} now");
    }
}
