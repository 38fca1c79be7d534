using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Core.Tests.Memory;

/// <summary>A real control group with a limit on hugepages, version 1 or 2, which the test process is in until this is disposed.</summary>
internal sealed class HugetlbCgroup : IDisposable
{
    private const string Controller = "hugetlb";
    private readonly string _parent;
    private readonly string _group;
    private readonly string _limitName;
    private readonly bool _enabled;

    private HugetlbCgroup(string parent, int version, ulong limit)
    {
        _parent = parent;
        _limitName = version == 2 ? "max" : "limit_in_bytes";
        _enabled = version == 2
            && !File.ReadAllText(Path.Join(parent, "cgroup.subtree_control")).Contains(Controller, StringComparison.Ordinal);
        if (_enabled)
            File.WriteAllText(Path.Join(parent, "cgroup.subtree_control"), $"+{Controller}");
        _group = Path.Join(parent, $"dataplane-{Guid.NewGuid():N}");
        Directory.CreateDirectory(_group);
        File.WriteAllText(LimitFile, limit.ToString(CultureInfo.InvariantCulture));
        string gigabytePages = Path.Join(_group, $"hugetlb.1GB.{_limitName}");
        if (File.Exists(gigabytePages))
            File.WriteAllText(gigabytePages, "0"); // no way out
        MoveTo(_group);
    }

    public string LimitFile => Path.Join(_group, $"hugetlb.2MB.{_limitName}");

    /// <summary>Null where the machine gives us no such controller.</summary>
    public static HugetlbCgroup? TryCreate(ulong limit)
    {
        foreach (CgroupPath path in Cgroups.Find(Controller, new HostFiles()))
        {
            string own = path.Directories[0].TrimEnd('/');
            string controllers = Path.Join(own, "cgroup.controllers");
            if (path.Version == 1 || (File.Exists(controllers)
                && File.ReadAllText(controllers).Contains(Controller, StringComparison.Ordinal)))
            {
                return new HugetlbCgroup(own, path.Version, limit);
            }
        }

        return null;
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
