using System.Globalization;
using Dataplane.Linux;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>
/// Hugepage files that earlier processes left. Whoever lives holds a lock (flock(2)) on each of its files, as DPDK does
/// too; the kernel drops the lock when the process ends, however it ends.
/// </summary>
internal static class StaleFiles
{
    /// <summary>Removes what dead processes of the same prefix left.</summary>
    /// <exception cref="DataplaneException">A live process has the prefix, and its files would get in our way.</exception>
    public static void Clean(string directory, string prefix, HugeUnlink unlink, ILogger logger)
    {
        int removed = 0;
        foreach (string path in Directory.EnumerateFiles(directory, $"{prefix}map_*").Where(p => IsOurs(p, directory, prefix)))
        {
            using SafeFileHandle file = Libc.Open(path, Libc.O_RDONLY | Libc.O_CLOEXEC);
            if (file.IsInvalid)
                continue; // gone already, or of another user, who has to clean up himself
            bool isStale = Libc.Flock(file, Libc.LOCK_EX | Libc.LOCK_NB) == 0;
            if (isStale && unlink != HugeUnlink.Never && Libc.Unlink(path) == 0)
                removed++;
            if (!isStale && unlink != HugeUnlink.Always)
                throw InUse(path, prefix);
        }

        if (removed > 0)
            logger.LogInformation("Removed {Count} hugepage files of a dead process in {Directory}", removed, directory);
    }

    /// <summary>The path of a prefix's file with a number.</summary>
    public static string PathOf(string directory, string prefix, int number) =>
        Path.Join(directory, string.Create(CultureInfo.InvariantCulture, $"{prefix}map_{number}"));

    private static bool IsOurs(string path, string directory, string prefix)
    {
        ReadOnlySpan<char> number = Path.GetFileName(path.AsSpan())[$"{prefix}map_".Length..];
        return int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed)
            && PathOf(directory, prefix, parsed) == path;
    }

    private static DataplaneException InUse(string path, string prefix)
    {
        string owner = FindOwner(path) is { } pid ? $"process {pid}" : "another process";
        return new DataplaneException(
            $"the file prefix '{prefix}' is in use: {owner} has {path}",
            "give every process its own with --file-prefix=NAME");
    }

    /// <summary>The process that has a file open, as far as /proc shows us.</summary>
    private static int? FindOwner(string path)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            // The file that the caller looks at is open in our process too; another's counts more.
            if (pid != Environment.ProcessId && HasOpen(process, path))
                return pid;
        }

        return null;
    }

    private static bool HasOpen(string process, string path)
    {
        try
        {
            return Directory.EnumerateFiles($"{process}/fd").Any(fd => new FileInfo(fd).LinkTarget == path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended meanwhile, or not ours to see
        }
    }
}
