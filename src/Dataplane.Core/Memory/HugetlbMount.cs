using Dataplane.Linux;

namespace Dataplane.Memory;

/// <summary>A directory whose files are made of hugepages.</summary>
/// <param name="Directory">The mount point, or a directory below one.</param>
/// <param name="PageSize">Bytes.</param>
internal sealed record HugetlbMount(string Directory, ulong PageSize)
{
    /// <summary>All mounts of the process's namespace, in the order of /proc/mounts.</summary>
    /// <param name="files">Where /proc is.</param>
    /// <param name="defaultPageSize">The size of mounts that name none.</param>
    public static IReadOnlyList<HugetlbMount> Find(HostFiles files, ulong defaultPageSize)
    {
        var mounts = new List<HugetlbMount>();
        foreach (string line in files.ReadLines("/proc/mounts"))
        {
            // Source, directory, type, options (fstab(5)).
            string[] fields = line.Split(' ');
            if (fields.Length < 4 || fields[2] != "hugetlbfs")
                continue;
            string? option = Array.Find(fields[3].Split(','), o => o.StartsWith("pagesize=", StringComparison.Ordinal));
            ulong pageSize = defaultPageSize;
            // The kernel writes K, M or G (fs/hugetlbfs/inode.c).
            if (option is null || ByteSize.TryParse(option.AsSpan("pagesize=".Length), out pageSize))
                mounts.Add(new HugetlbMount(HostFiles.Unescape(fields[1]), pageSize));
        }

        return mounts;
    }

    /// <summary>The directory that <c>--huge-dir</c> names.</summary>
    /// <exception cref="DataplaneException">It is not there, is not of hugetlbfs, or may not be written.</exception>
    public static unsafe HugetlbMount Open(string directory)
    {
        Statfs status;
        if (Libc.GetStatfs(directory, &status) < 0)
        {
            throw Unusable(
                Errno.DescribeLast(), $"run 'mkdir -p {directory} && mount -t hugetlbfs nodev {directory}'");
        }

        if (status.Type != Statfs.HugetlbfsMagic)
        {
            throw Unusable(
                "it is not on a hugetlbfs",
                "run 'mkdir -p /mnt/huge && mount -t hugetlbfs nodev /mnt/huge' and give --huge-dir=/mnt/huge, "
                + "or in a pod mount an emptyDir with 'medium: HugePages'");
        }

        // Files are removed by their paths when we close, wherever the process stands then.
        var mount = new HugetlbMount(Path.GetFullPath(directory), (ulong)status.BlockSize);
        if (mount.IsUsable)
            return mount;
        throw Unusable(
            Errno.DescribeLast(),
            Errno.Last == Errno.EROFS
                ? $"run 'mount -o remount,rw {directory}', or use --in-memory"
                : $"make it this user's (chown, or mount it with uid= and gid=), or use --in-memory");

        DataplaneException Unusable(string reason, string remedy) =>
            new($"Cannot use --huge-dir {directory}: {reason}", remedy);
    }

    /// <summary>Whether the process may list, make and remove files there; errno says why not.</summary>
    public bool IsUsable => Libc.Access(Directory, Libc.R_OK | Libc.W_OK | Libc.X_OK) == 0;

    /// <summary>Bytes that the mount's <c>size=</c> option leaves; null without one.</summary>
    public unsafe ulong? BytesLeft()
    {
        Statfs status;
        return Libc.GetStatfs(Directory, &status) == 0 && status.Blocks > 0
            ? status.AvailableBlocks * (ulong)status.BlockSize
            : null;
    }
}
