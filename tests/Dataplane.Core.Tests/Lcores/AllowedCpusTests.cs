using Dataplane.Lcores;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Lcores;

public sealed class AllowedCpusTests : IDisposable
{
    private const string Mounts = "/proc/self/mountinfo";
    private const string Groups = "/proc/self/cgroup";
    private const string OtherMount = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n";

    private readonly FakeMachine _machine = new();

    private string Allowed => AllowedCpus.Within(CpuSet.Parse("0-7"), _machine.Files).ToString();

    private static string V1Mount(string inside, string point) =>
        $"34 31 0:31 {inside} {point} rw,relatime - cgroup cgroup rw,cpuset\n";

    private static string V2Mount(string inside, string point) =>
        $"41 31 0:38 {inside} {point} rw,relatime shared:9 - cgroup2 cgroup2 rw\n";

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Without_cgroups_the_affinity_mask_counts() => Assert.Equal("0-7", Allowed);

    [Fact]
    public void A_cpuset_of_version_1_limits_them()
    {
        _machine[Groups] = "9:name=systemd:/\n3:cpu,cpuset:/pod/one\n1:cpu:/\n0::/";
        _machine[Mounts] = OtherMount + V1Mount("/", "/sys/fs/cgroup/cpuset");
        _machine["/sys/fs/cgroup/cpuset/pod/one/cpuset.cpus"] = "2-3";
        _machine["/sys/fs/cgroup/cpuset/pod/cpuset.cpus"] = "0-5";
        Assert.Equal("2-3", Allowed);

        _machine["/sys/fs/cgroup/cpuset/pod/one/cpuset.effective_cpus"] = "3";
        Assert.Equal("3", Allowed);
    }

    [Fact]
    public void A_cpuset_of_version_2_limits_them_also_from_a_parent()
    {
        _machine[Groups] = "0::/kubepods/pod/c";
        _machine[Mounts] = V2Mount("/", "/sys/fs/cgroup");
        _machine["/sys/fs/cgroup/kubepods/pod/cpuset.cpus.effective"] = "4-9";

        Assert.Equal("4-7", Allowed);
    }

    [Fact]
    public void Both_versions_limit_them_where_both_are_mounted()
    {
        _machine[Groups] = "3:cpuset:/\n0::/a";
        _machine[Mounts] = V1Mount("/", "/cg1") + V2Mount("/", "/with\\040blank");
        _machine["/cg1/cpuset.effective_cpus"] = "0-3";
        _machine["/with blank/a/cpuset.cpus.effective"] = "3-7";

        Assert.Equal("3", Allowed);
    }

    [Fact]
    public void A_container_that_sees_only_its_own_part_is_understood()
    {
        _machine[Groups] = "3:cpuset:/docker/abc/inner";
        _machine[Mounts] = V1Mount("/docker/abc", "/sys/fs/cgroup/cpuset");
        _machine["/sys/fs/cgroup/cpuset/inner/cpuset.cpus"] = "1";
        Assert.Equal("1", Allowed);

        _machine[Groups] = "3:cpuset:/elsewhere";
        _machine["/sys/fs/cgroup/cpuset/cpuset.cpus"] = "5";
        Assert.Equal("5", Allowed);
    }

    [Fact]
    public void Empty_broken_and_disjoint_cpusets_say_nothing()
    {
        _machine[Groups] = "3:cpuset:/\nrubbish";
        _machine[Mounts] = "rubbish\n" + V1Mount("/", "/cg");
        _machine["/cg/cpuset.effective_cpus"] = "";
        _machine["/cg/cpuset.cpus"] = "x-y";
        Assert.Equal("0-7", Allowed);

        _machine["/cg/cpuset.cpus"] = "100";
        Assert.Equal("0-7", Allowed);
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
        _machine[Groups] = "4:hugetlb:/a/b";
        _machine[Mounts] = "34 31 0:31 / /cg rw - cgroup cgroup rw,hugetlb";

        CgroupPath path = Assert.Single(Cgroups.Find("hugetlb", _machine.Files));
        Assert.Equal(1, path.Version);
        Assert.Equal(["/cg/a/b", "/cg/a", "/cg"], path.Directories);
    }
}
