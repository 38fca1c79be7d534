using Dataplane.Lcores;

namespace Dataplane.Core.Tests.Lcores;

public class CpuTopologyTests
{
    [Fact]
    public void A_server_with_two_threads_a_core_and_two_nodes_is_read()
    {
        using FakeRoot root = FakeRoot.SmtServer();
        CpuTopology topology = CpuTopology.Read(root.Path);

        Assert.Equal("0-7", topology.Online.ToString());
        Assert.Equal(2, topology.NodeCount);
        Assert.Equal(new CpuInfo(1, 1, 1, new CpuSet([3, 7])), topology[7]);
        Assert.Equal(0, topology.NodeOf(new CpuSet([0, 5])));
        Assert.Equal(1, topology.NodeOf(new CpuSet([2])));
        Assert.Null(topology.NodeOf(new CpuSet([0, 2])));
    }

    [Fact]
    public void An_arm64_machine_without_packages_and_nodes_is_read()
    {
        using FakeRoot root = new FakeRoot().Online("0-1,3")
            .Cpu(0, 0, -1, "0", "core_cpus_list").Cpu(1, 1, -1, "1", "core_cpus_list");
        CpuTopology topology = CpuTopology.Read(root.Path);

        Assert.Equal(1, topology.NodeCount);
        Assert.Equal(new CpuInfo(1, 0, 0, new CpuSet([1])), topology[1]);
        Assert.Equal(CpuInfo.Alone(3), topology[3]);
        Assert.Equal(0, topology.NodeOf(new CpuSet([0, 1])));
    }

    [Fact]
    public void The_newer_name_of_the_sibling_list_counts_first()
    {
        using FakeRoot root = new FakeRoot().Online("0").Cpu(0, 0, 0, "0-7").Cpu(0, 0, 0, "0-1", "core_cpus_list");

        Assert.Equal("0-1", CpuTopology.Read(root.Path)[0].Siblings.ToString());
    }

    [Fact]
    public void Without_sysfs_every_CPU_is_a_core_of_its_own()
    {
        using var root = new FakeRoot();
        CpuTopology topology = CpuTopology.Read(root.Path);

        Assert.Equal(Environment.ProcessorCount, topology.Online.Count);
        Assert.Equal(CpuInfo.Alone(0), topology[0]);
    }

    [Fact]
    public void This_machine_is_read()
    {
        CpuTopology topology = CpuTopology.Read();

        Assert.All(topology.Online.Cpus, cpu => Assert.True(topology[cpu].Siblings.Contains(cpu)));
        Assert.Equal(0, topology.NodeOf(topology.Online) ?? 0);
    }
}
