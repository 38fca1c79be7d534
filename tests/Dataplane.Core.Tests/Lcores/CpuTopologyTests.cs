using Dataplane.Lcores;
using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Lcores;

public class CpuTopologyTests
{
    private const string Online = "/sys/devices/system/cpu/online";

    [Fact]
    public void A_server_with_two_threads_a_core_and_two_nodes_is_read()
    {
        using FakeMachine machine = FakeCpus.SmtServer();
        CpuTopology topology = CpuTopology.Read(machine.Files);

        Assert.Equal("0-7", topology.Online.ToString());
        Assert.Equal(new CpuInfo(1, 1, 1, new CpuSet([3, 7])), topology[7]);
        Assert.Equal(0, topology.NodeOf(new CpuSet([0, 5])));
        Assert.Equal(1, topology.NodeOf(new CpuSet([2])));
        Assert.Null(topology.NodeOf(new CpuSet([0, 2])));
    }

    [Fact]
    public void An_arm64_machine_without_packages_and_nodes_is_read()
    {
        using var machine = new FakeMachine { [Online] = "0-1,3" };
        machine.AddCpu(0, 0, -1, "0", "core_cpus_list");
        machine.AddCpu(1, 1, -1, "1", "core_cpus_list");
        CpuTopology topology = CpuTopology.Read(machine.Files);

        Assert.Equal(new CpuInfo(1, 0, 0, new CpuSet([1])), topology[1]);
        Assert.Equal(CpuInfo.Alone(3), topology[3]);
        Assert.Equal(0, topology.NodeOf(new CpuSet([0, 1])));
    }

    [Fact]
    public void The_newer_name_of_the_sibling_list_counts_first()
    {
        using var machine = new FakeMachine { [Online] = "0" };
        machine.AddCpu(0, 0, 0, "0-7");
        machine.AddCpu(0, 0, 0, "0-1", "core_cpus_list");

        Assert.Equal("0-1", CpuTopology.Read(machine.Files)[0].Siblings.ToString());
    }

    [Fact]
    public void Without_sysfs_every_CPU_is_a_core_of_its_own()
    {
        using var machine = new FakeMachine();
        CpuTopology topology = CpuTopology.Read(machine.Files);

        Assert.Equal(Environment.ProcessorCount, topology.Online.Count);
        Assert.Equal(CpuInfo.Alone(0), topology[0]);
    }

    [Fact]
    public void This_machine_is_read()
    {
        CpuTopology topology = CpuTopology.Read(new HostFiles());

        Assert.All(topology.Online.Cpus, cpu => Assert.True(topology[cpu].Siblings.Contains(cpu)));
    }
}
