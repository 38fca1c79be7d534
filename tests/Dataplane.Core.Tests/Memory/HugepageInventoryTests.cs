using Dataplane.Memory;
using Dataplane.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Core.Tests.Memory;

public sealed class HugepageInventoryTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Sizes_are_whatever_the_kernel_lists()
    {
        foreach (ulong kib in (ulong[])[1048576, 2048, 32768, 64])
            _machine.Hugepages(kib, 0, 0);
        _machine["/sys/kernel/mm/hugepages/other"] = "";

        ulong[] sizes = [64 << 10, 2 << 20, 32 << 20, 1 << 30];
        Assert.Equal(sizes, new HugepageInventory(_machine.Files).PageSizes());
    }

    [Fact]
    public void Free_pages_are_those_that_nobody_was_promised()
    {
        _machine.Hugepages(2048, total: 20, free: 10, reserved: 4, overcommit: 5, surplus: 2);
        var inventory = new HugepageInventory(_machine.Files);
        Assert.Equal(9u, inventory.Free(2 << 20, node: 0));

        _machine["/sys/devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages"] = "1";
        Assert.Equal(4u, inventory.Free(2 << 20, node: 1));
        Assert.Equal(0u, inventory.Free(1 << 30, node: 0));
    }

    [Fact]
    public void The_command_is_the_short_one_only_for_the_default_size_on_any_node()
    {
        _machine["/proc/meminfo"] = "Hugepagesize:       2048 kB";
        _machine.Hugepages(2048, total: 20, free: 10);
        _machine.Hugepages(1048576, total: 0, free: 0);
        _machine["/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages"] = "7";
        var inventory = new HugepageInventory(_machine.Files);

        Assert.Equal("'echo 32 > /proc/sys/vm/nr_hugepages'", inventory.CommandToAdd(2 << 20, 2, node: null));
        Assert.Equal(
            "'echo 32 > /sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages'",
            inventory.CommandToAdd(2 << 20, 2, node: 1));
        Assert.Equal(
            "'echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages'",
            inventory.CommandToAdd(1 << 30, 1, node: null));
    }

    [Fact]
    public void Mounts_have_the_page_size_of_their_option_or_the_default()
    {
        _machine["/proc/mounts"] = """
            proc /proc proc rw 0 0
            nodev /mnt/huge hugetlbfs rw,relatime,pagesize=2M 0 0
            nodev /mnt/huge\0401G hugetlbfs rw,pagesize=1024M,size=2147483648 0 0
            nodev /dev/hugepages hugetlbfs rw 0 0
            nodev /mnt/odd hugetlbfs rw,pagesize=? 0 0
            """;

        Assert.Equal(
            [
                new HugetlbMount("/mnt/huge", 2 << 20),
                new HugetlbMount("/mnt/huge 1G", 1 << 30),
                new HugetlbMount("/dev/hugepages", 64 << 10),
            ],
            HugetlbMount.Find(_machine.Files, defaultPageSize: 64 << 10));
    }

    [Fact]
    public void Large_pages_are_tried_first_where_little_of_them_is_wasted()
    {
        foreach (ulong kib in (ulong[])[64, 2048, 1048576])
            _machine.Hugepages(kib, 0, 0);
        using PageSources sources = PageSources.Create(
            new MemoryOptions { InMemory = true }, _machine.Files, NullLogger.Instance);

        Assert.Equal([1 << 30, 2 << 20, 64 << 10], Order((nuint)1 << 30));
        Assert.Equal([2 << 20, 64 << 10, 1 << 30], Order(64 << 20));
        Assert.Equal([64 << 10, 2 << 20, 1 << 30], Order(3 << 20));
        Assert.Equal([64 << 10, 2 << 20, 1 << 30], Order(1));
        Assert.Equal([1 << 30, 2 << 20, 64 << 10], Order(64 << 20, onePage: true));

        IEnumerable<int> Order(nuint length, bool onePage = false) =>
            sources.InOrderFor(length, onePage).Select(s => (int)s.PageSize);
    }

    [Fact]
    public void Nodes_are_those_with_memory_that_the_cpuset_leaves()
    {
        _machine["/sys/devices/system/node/has_memory"] = "0-3";
        _machine["/proc/self/status"] = "Name:\tx\nMems_allowed_list:\t1-2";
        var nodes = new NumaNodes(_machine.Files);

        Assert.True(nodes.AreSeveral);
        Assert.Equal([1, 2], nodes.InOrder(-1).Order());
        Assert.Equal([2], nodes.InOrder(2));
        var refused = Assert.Throws<DataplaneException>(() => nodes.InOrder(0));
        Assert.Equal("There is no memory of NUMA node 0 for this process, which may use: 1-2", refused.Message);
    }
}
