using Dataplane.Linux;

namespace Dataplane.Cli.Hugepages;

/// <summary>Mounts and unmounts hugetlbfs.</summary>
internal interface IMounts
{
    /// <summary>Mounts one in a directory, which is made if it is not there.</summary>
    /// <returns>0, or an error number.</returns>
    int Mount(string directory, ulong pageSize);

    /// <summary>Unmounts the topmost one.</summary>
    /// <returns>0, or an error number.</returns>
    int Unmount(string directory);
}

/// <summary>The mounts of our mount namespace.</summary>
internal sealed class SystemMounts : IMounts
{
    public int Mount(string directory, ulong pageSize)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (UnauthorizedAccessException)
        {
            return Errno.EACCES;
        }
        catch (IOException)
        {
            // A file is in the way, or the file system is read-only: mount says which.
        }

        return Libc.Mount("nodev", directory, "hugetlbfs", 0, $"pagesize={pageSize}") == 0 ? 0 : Errno.Last;
    }

    public int Unmount(string directory) => Libc.Unmount(directory, 0) == 0 ? 0 : Errno.Last;
}
