namespace Dataplane.Linux;

/// <summary>
/// Finds the directories of the control groups that hold the process, version 1 and 2, also where both are mounted
/// (hybrid) and in containers that see only a part of the hierarchy (cgroups(7), /proc/[pid]/mountinfo in proc(5)).
/// </summary>
internal static class Cgroups
{
    /// <summary>
    /// The directories where a controller's files of this process may be: per mounted hierarchy that may carry the
    /// controller, the process's own group first and then its parents up to the mount point. Empty without cgroups.
    /// </summary>
    /// <param name="controller">As /proc/self/cgroup names it: <c>cpuset</c>, <c>hugetlb</c>.</param>
    /// <param name="files">Where /proc is.</param>
    public static IReadOnlyList<CgroupPath> Find(string controller, HostFiles files)
    {
        var found = new List<CgroupPath>();
        Mount[] mounts = [.. files.ReadLines("/proc/self/mountinfo").Select(Mount.Parse).OfType<Mount>()];
        foreach (string line in files.ReadLines("/proc/self/cgroup"))
        {
            // "3:cpuset:/path" is version 1, "0::/path" version 2.
            string[] fields = line.Split(':', 3);
            if (fields.Length != 3)
                continue;
            bool unified = fields[0] == "0" && fields[1].Length == 0;
            if (!unified && !fields[1].Split(',').Contains(controller))
                continue;
            if (Array.Find(mounts, mount => mount.Carries(controller, unified)) is { } mount)
                found.Add(new CgroupPath(unified ? 2 : 1, mount.DirectoriesUp(fields[2])));
        }

        return found;
    }

    /// <summary>A line of mountinfo: id parent device root point options ... - type source options.</summary>
    private sealed record Mount(string Root, string Point, string Type, string SuperOptions)
    {
        public static Mount? Parse(string line)
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            return dash < 6 || fields.Length < dash + 4
                ? null
                : new Mount(
                    HostFiles.Unescape(fields[3]), HostFiles.Unescape(fields[4]), fields[dash + 1], fields[dash + 3]);
        }

        public bool Carries(string controller, bool unified) => unified
            ? Type == "cgroup2"
            : Type == "cgroup" && SuperOptions.Split(',').Contains(controller);

        public List<string> DirectoriesUp(string group)
        {
            // A container may mount only its own part: then the path of the group starts with the mount's root. Where
            // it does not (the group is outside of what is mounted), the mount point is the nearest that can be read.
            string inside = Root == "/" ? group
                : group == Root || group.StartsWith(Root + "/", StringComparison.Ordinal) ? group[Root.Length..]
                : "";
            var directories = new List<string>();
            for (string path = inside.Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                directories.Add(Path.Join(Point, path));
                if (path.Length == 0)
                    return directories;
            }
        }
    }
}

/// <summary>Where the process stands in one hierarchy of control groups.</summary>
/// <param name="Version">1 or 2: the files of a controller are named differently.</param>
/// <param name="Directories">The process's own group first, then its parents up to the mount point.</param>
internal sealed record CgroupPath(int Version, IReadOnlyList<string> Directories);
