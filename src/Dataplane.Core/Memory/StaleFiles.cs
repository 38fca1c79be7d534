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
    /// <exception cref="DataplaneException">Another live process has the prefix, and its files would get in our way.</exception>
    public static void Clean(string directory, string prefix, HugeUnlink unlink, ILogger logger)
    {
        int removed = 0;
        foreach (string path in Directory.EnumerateFiles(directory).Where(path => IsOurs(path, directory, prefix)))
        {
            using SafeFileHandle file = Libc.Open(path, Libc.O_RDONLY | Libc.O_CLOEXEC);
            if (file.IsInvalid)
                continue; // gone already, or of another user, who has to clean up himself
            bool isStale = Libc.Flock(file, Libc.LOCK_EX | Libc.LOCK_NB) == 0;
            if (isStale && unlink != HugeUnlink.Never && Libc.Unlink(path) == 0)
                removed++;
            if (isStale || unlink == HugeUnlink.Always)
                continue;
            // Other runtimes of this process have their own files of the prefix: each takes numbers that are free.
            int? owner = FindOwner(file);
            if (owner != Environment.ProcessId)
                throw InUse(path, prefix, owner);
        }

        if (removed > 0)
            logger.LogInformation("Removed {Count} hugepage files of a dead process in {Directory}", removed, directory);
    }

    /// <summary>The path of a prefix's file with a number.</summary>
    public static string PathOf(string directory, string prefix, int number) =>
        Path.Join(directory, string.Create(CultureInfo.InvariantCulture, $"{prefix}map_{number}"));

    /// <summary>Whether an open file still has its name.</summary>
    public static bool IsLinked(SafeFileHandle file) => !NameOf(file)!.EndsWith(" (deleted)", StringComparison.Ordinal);

    private static bool IsOurs(string path, string directory, string prefix)
    {
        string name = Path.GetFileName(path);
        string start = $"{prefix}map_";
        return name.StartsWith(start, StringComparison.Ordinal)
            && int.TryParse(name.AsSpan()[start.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && PathOf(directory, prefix, number) == path;
    }

    private static DataplaneException InUse(string path, string prefix, int? owner) => new(
        $"The file prefix '{prefix}' is in use: {(owner is null ? "another process" : $"process {owner}")} has {path}",
        "give every process its own with --file-prefix=NAME");

    /// <summary>A process that has a file open, as far as /proc shows us; ours if it has it twice.</summary>
    private static int? FindOwner(SafeFileHandle file)
    {
        string name = NameOf(file)!;
        int handle = (int)file.DangerousGetHandle();
        if (HasOpen("/proc/self", name, except: handle))
            return Environment.ProcessId;
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && pid != Environment.ProcessId
                && HasOpen(process, name))
            {
                return pid;
            }
        }

        return null;
    }

    private static bool HasOpen(string process, string name, int? except = null)
    {
        try
        {
            return Directory.EnumerateFiles($"{process}/fd").Any(
                fd => new FileInfo(fd).LinkTarget == name && Path.GetFileName(fd) != $"{except}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false; // ended meanwhile, or not ours to see
        }
    }

    private static string? NameOf(SafeFileHandle file) =>
        new FileInfo($"/proc/self/fd/{file.DangerousGetHandle()}").LinkTarget;
}
