using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Memory;

public sealed class CgroupBudgetTests : IDisposable
{
    private const ulong HugepageSize = 2 << 20;
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Version_1_counts_what_the_group_uses()
    {
        Version1("hugetlb", "/kubepods/pod1");
        _machine["/sys/fs/cgroup/hugetlb/kubepods/pod1/hugetlb.2MB.limit_in_bytes"] = $"{64 << 20}";
        _machine["/sys/fs/cgroup/hugetlb/kubepods/pod1/hugetlb.2MB.usage_in_bytes"] = $"{10 << 20}";
        _machine["/sys/fs/cgroup/hugetlb/kubepods/hugetlb.2MB.limit_in_bytes"] = "9223372036854771712";

        Assert.Equal(
            new CgroupBudget(54 << 20, 64 << 20, "/sys/fs/cgroup/hugetlb/kubepods/pod1/hugetlb.2MB.limit_in_bytes"),
            CgroupBudget.ForHugepages(_machine.Files, HugepageSize));
        Assert.Null(CgroupBudget.ForHugepages(_machine.Files, 1 << 30));
    }

    [Fact]
    public void Version_1_without_a_limit_has_none()
    {
        Version1("hugetlb", "/");
        _machine["/sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes"] = "9223372036854771712";
        _machine["/sys/fs/cgroup/hugetlb/hugetlb.1GB.limit_in_bytes"] = "9223372035781033984";

        Assert.Null(CgroupBudget.ForHugepages(_machine.Files, HugepageSize));
        Assert.Null(CgroupBudget.ForHugepages(_machine.Files, 1 << 30));
    }

    [Fact]
    public void Version_2_takes_the_tightest_of_the_group_its_parents_and_its_reservations()
    {
        Version2("/kubepods/pod1/container");
        _machine["/sys/fs/cgroup/kubepods/pod1/container/hugetlb.2MB.max"] = "max";
        _machine["/sys/fs/cgroup/kubepods/pod1/hugetlb.2MB.max"] = $"{32 << 20}";
        _machine["/sys/fs/cgroup/kubepods/pod1/hugetlb.2MB.current"] = $"{2 << 20}";
        _machine["/sys/fs/cgroup/kubepods/hugetlb.2MB.rsvd.max"] = $"{20 << 20}";
        _machine["/sys/fs/cgroup/kubepods/hugetlb.2MB.rsvd.current"] = $"{18 << 20}";

        Assert.Equal(
            new CgroupBudget(2 << 20, 20 << 20, "/sys/fs/cgroup/kubepods/hugetlb.2MB.rsvd.max"),
            CgroupBudget.ForHugepages(_machine.Files, HugepageSize));
    }

    [Fact]
    public void Ordinary_memory_counts_cached_files_as_free_and_keeps_some_for_the_program()
    {
        Version2("/pod");
        _machine["/sys/fs/cgroup/pod/memory.max"] = $"{100 << 20}";
        _machine["/sys/fs/cgroup/pod/memory.current"] = $"{90 << 20}";
        _machine["/sys/fs/cgroup/pod/memory.stat"] = $"anon 1\ninactive_file {20 << 20}\nactive_file {5 << 20}";

        Assert.Equal((35u - 32) << 20, CgroupBudget.ForOrdinaryPages(_machine.Files)?.Left);
    }

    [Fact]
    public void A_pod_with_too_small_a_limit_is_told_the_line_of_its_manifest()
    {
        Version2("/pod");
        _machine.Hugepages(2048, total: 1000, free: 1000);
        _machine["/sys/fs/cgroup/pod/hugetlb.2MB.max"] = $"{64 << 20}";
        _machine["/sys/fs/cgroup/pod/hugetlb.2MB.current"] = $"{2 << 20}";
        using DataplaneMemory memory = DataplaneMemory.Create(
            new MemoryOptions { InMemory = true }, NullLogger.Instance, _machine.Files);

        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("mbuf_pool", 100 << 20));
        Assert.Equal(
            "Cannot get 100 MiB of hugepage memory for 'mbuf_pool': the cgroup's limit of 64 MiB leaves 62 MiB "
            + "(/sys/fs/cgroup/pod/hugetlb.2MB.max); raise the pod's limit to 'hugepages-2Mi: 102Mi'",
            refused.Message);
    }

    [Fact]
    public void A_pod_with_too_little_ordinary_memory_is_told_before_it_is_killed()
    {
        Version2("/pod");
        _machine["/proc/meminfo"] = "MemAvailable: 10000000 kB";
        _machine["/sys/fs/cgroup/pod/memory.max"] = $"{100 << 20}";
        _machine["/sys/fs/cgroup/pod/memory.current"] = $"{60 << 20}";
        using DataplaneMemory memory = DataplaneMemory.Create(
            new MemoryOptions { NoHuge = true }, NullLogger.Instance, _machine.Files);

        var refused = Assert.Throws<DataplaneException>(() => memory.Allocate("mbuf_pool", 64 << 20));
        Assert.EndsWith("raise the pod's limit to 'memory: 156Mi'", refused.Message, StringComparison.Ordinal);
    }

    private void Version1(string controller, string group)
    {
        _machine["/proc/self/cgroup"] = $"12:{controller}:{group}";
        _machine["/proc/self/mountinfo"] =
            $"40 30 0:35 / /sys/fs/cgroup/{controller} rw,nosuid - cgroup cgroup rw,{controller}";
    }

    private void Version2(string group)
    {
        _machine["/proc/self/cgroup"] = $"0::{group}";
        _machine["/proc/self/mountinfo"] = "40 30 0:35 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw";
    }
}
