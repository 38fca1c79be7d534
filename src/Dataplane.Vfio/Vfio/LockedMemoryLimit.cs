using System.Globalization;
using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// How much memory this process may lock. Memory that devices reach is locked, and counts, hugepages included, unless the
/// process has CAP_IPC_LOCK (drivers/vfio/vfio_iommu_type1.c of Linux).
/// </summary>
internal static class LockedMemoryLimit
{
    private const string Limits = "/proc/self/limits";
    private const string Row = "Max locked memory";

    /// <summary>Says that the limit is too low, or that the machine is out of memory.</summary>
    /// <param name="files">Where /proc is.</param>
    /// <param name="length">Bytes that were to be locked in addition.</param>
    public static DataplaneException Explain(HostFiles files, ulong length)
    {
        ulong locked = files.ReadKibibytes("/proc/self/status", "VmLck") ?? 0;
        ulong needed = locked + length;
        string problem = $"Cannot map {ByteSize.Format(length)} of memory for devices";
        if (Read(files) is not { } limit || limit >= needed)
            return new DataplaneException($"{problem}: {Errno.Describe(Errno.ENOMEM)}", "the machine is out of memory: free some");
        return new DataplaneException(
            $"{problem}: {ByteSize.Format(ByteSize.Ceiling(needed))} must be locked, and the limit (RLIMIT_MEMLOCK) is {ByteSize.Format(limit)}",
            "raise it with 'ulimit -l unlimited' before the start; in a pod: securityContext: {capabilities: {add: [IPC_LOCK]}}");
    }

    /// <summary>The limit in bytes; null if there is none.</summary>
    private static ulong? Read(HostFiles files)
    {
        string? line = Array.Find(files.ReadLines(Limits), line => line.StartsWith(Row, StringComparison.Ordinal));
        string? soft = line?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return ulong.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out ulong limit) ? limit : null;
    }
}
