using System.Globalization;

namespace Dataplane.Core.Tests.Memory;

/// <summary>
/// A real control group (version 2) with a limit on hugepages, which the test process is in until this is disposed.
/// </summary>
internal sealed class HugetlbCgroup : IDisposable
{
    private const string Controller = "hugetlb";
    private readonly string _parent;
    private readonly string _group;
    private readonly bool _enabled;

    private HugetlbCgroup(string parent, ulong limit)
    {
        _parent = parent;
        _enabled = !File.ReadAllText(Path.Join(parent, "cgroup.subtree_control")).Contains(Controller, StringComparison.Ordinal);
        if (_enabled)
            File.WriteAllText(Path.Join(parent, "cgroup.subtree_control"), $"+{Controller}");
        _group = Path.Join(parent, $"dataplane-{Guid.NewGuid():N}");
        Directory.CreateDirectory(_group);
        File.WriteAllText(LimitFile, limit.ToString(CultureInfo.InvariantCulture));
        if (File.Exists(Path.Join(_group, "hugetlb.1GB.max")))
            File.WriteAllText(Path.Join(_group, "hugetlb.1GB.max"), "0"); // no way out
        MoveTo(_group);
    }

    public string LimitFile => Path.Join(_group, "hugetlb.2MB.max");

    /// <summary>Null, with the reason, where the machine has no such controller in version 2.</summary>
    public static HugetlbCgroup? TryCreate(ulong limit, out string reason)
    {
        string[] mounts = [.. File.ReadLines("/proc/mounts").Select(l => l.Split(' ')).Where(f => f[2] == "cgroup2").Select(f => f[1])];
        string? own = File.ReadLines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal));
        reason = "no cgroup of version 2 is mounted";
        if (mounts.Length == 0 || own is null)
            return null;
        string parent = Path.Join(mounts[0], own["0::".Length..]);
        try
        {
            reason = $"{parent} has no hugetlb controller that we may use";
            return File.ReadAllText(Path.Join(parent, "cgroup.controllers")).Contains(Controller, StringComparison.Ordinal)
                ? new HugetlbCgroup(parent, limit)
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            reason += $": {e.Message}";
            return null;
        }
    }

    public void Dispose()
    {
        MoveTo(_parent);
        Directory.Delete(_group);
        if (_enabled)
            File.WriteAllText(Path.Join(_parent, "cgroup.subtree_control"), $"-{Controller}");
    }

    private static void MoveTo(string group) => File.WriteAllText(
        Path.Join(group, "cgroup.procs"), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
}
