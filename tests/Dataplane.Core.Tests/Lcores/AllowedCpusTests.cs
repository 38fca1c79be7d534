using Dataplane.Lcores;
using Dataplane.Linux;

namespace Dataplane.Core.Tests.Lcores;

public class AllowedCpusTests
{
    private const string V1Mount = "34 31 0:31 {0} {1} rw,relatime - cgroup cgroup rw,cpuset\n";
    private const string V2Mount = "41 31 0:38 {0} {1} rw,relatime shared:9 - cgroup2 cgroup2 rw\n";
    private const string OtherMount = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";

    private static CpuSet Within(FakeRoot root) => AllowedCpus.Within(CpuSet.Parse("0-7"), root.Path);

    private static string Mount(string line, string inside, string point) =>
        line.Replace("{0}", inside, StringComparison.Ordinal).Replace("{1}", point, StringComparison.Ordinal);

    [Fact]
    public void Without_cgroups_the_affinity_mask_counts()
    {
        using var root = new FakeRoot();

        Assert.Equal("0-7", Within(root).ToString());
    }

    [Fact]
    public void A_cpuset_of_version_1_limits_them()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "9:name=systemd:/\n3:cpu,cpuset:/pod/one\n1:cpu:/\n0::/\n")
            .Write("proc/self/mountinfo", OtherMount + Mount(V1Mount, "/", "/sys/fs/cgroup/cpuset"))
            .Write("sys/fs/cgroup/cpuset/pod/one/cpuset.cpus", "2-3\n")
            .Write("sys/fs/cgroup/cpuset/pod/cpuset.cpus", "0-5\n");
        Assert.Equal("2-3", Within(root).ToString());

        root.Write("sys/fs/cgroup/cpuset/pod/one/cpuset.effective_cpus", "3\n");
        Assert.Equal("3", Within(root).ToString());
    }

    [Fact]
    public void A_cpuset_of_version_2_limits_them_also_from_a_parent()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "0::/kubepods/pod/c\n")
            .Write("proc/self/mountinfo", Mount(V2Mount, "/", "/sys/fs/cgroup"))
            .Write("sys/fs/cgroup/kubepods/pod/cpuset.cpus.effective", "4-9\n");

        Assert.Equal("4-7", Within(root).ToString());
    }

    [Fact]
    public void Both_versions_limit_them_where_both_are_mounted()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "3:cpuset:/\n0::/a\n")
            .Write("proc/self/mountinfo", Mount(V1Mount, "/", "/cg1") + Mount(V2Mount, "/", "/with\\040blank"))
            .Write("cg1/cpuset.effective_cpus", "0-3\n")
            .Write("with blank/a/cpuset.cpus.effective", "3-7\n");

        Assert.Equal("3", Within(root).ToString());
    }

    [Fact]
    public void A_container_that_sees_only_its_own_part_is_understood()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "3:cpuset:/docker/abc/inner\n")
            .Write("proc/self/mountinfo", Mount(V1Mount, "/docker/abc", "/sys/fs/cgroup/cpuset"))
            .Write("sys/fs/cgroup/cpuset/inner/cpuset.cpus", "1\n");
        Assert.Equal("1", Within(root).ToString());

        root.Write("proc/self/cgroup", "3:cpuset:/elsewhere\n").Write("sys/fs/cgroup/cpuset/cpuset.cpus", "5");
        Assert.Equal("5", Within(root).ToString());
    }

    [Fact]
    public void Empty_broken_and_disjoint_cpusets_say_nothing()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "3:cpuset:/\nrubbish\n")
            .Write("proc/self/mountinfo", "rubbish\n" + Mount(V1Mount, "/", "/cg"))
            .Write("cg/cpuset.effective_cpus", "\n")
            .Write("cg/cpuset.cpus", "x-y\n");
        Assert.Equal("0-7", Within(root).ToString());

        root.Write("cg/cpuset.cpus", "100\n");
        Assert.Equal("0-7", Within(root).ToString());
    }

    [Fact]
    public void This_process_may_use_what_the_kernel_says()
    {
        string line = File.ReadLines("/proc/self/status").Single(text => text.StartsWith("Cpus_allowed_list:"));

        Assert.True(ThreadAffinity.TryGet(0, out CpuSet own));
        Assert.Empty(own.Except(AllowedCpus.OfThisProcess()).Cpus);
        Assert.Empty(CpuSet.Parse(line.Split(':')[1].Trim()).Except(AllowedCpus.OfThisProcess()).Cpus);
    }

    [Fact]
    public void Directories_of_a_group_lead_from_it_up_to_the_mount()
    {
        using FakeRoot root = new FakeRoot()
            .Write("proc/self/cgroup", "4:hugetlb:/a/b\n")
            .Write("proc/self/mountinfo", "34 31 0:31 / /cg rw - cgroup cgroup rw,hugetlb\n");

        CgroupPath path = Assert.Single(Cgroups.Find("hugetlb", root.Path));
        Assert.Equal(1, path.Version);
        Assert.Equal(
            ["cg/a/b", "cg/a", "cg"],
            path.Directories.Select(directory => Path.GetRelativePath(root.Path, directory).TrimEnd('/')));
    }
}
