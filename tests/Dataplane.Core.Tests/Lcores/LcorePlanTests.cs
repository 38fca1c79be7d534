using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Lcores;

public class LcorePlanTests
{
    private static LcorePlan Resolve(string? lcores, string allowed = "0-7", int? main = null, int? remap = null)
    {
        using FakeMachine machine = FakeCpus.SmtServer();
        var options = new LcoreOptions
        {
            Assignments = lcores is null ? null : LcoreList.Parse(lcores),
            MainLcore = main,
            RemapBase = remap,
        };
        return LcorePlan.Resolve(options, CpuSet.Parse(allowed), CpuTopology.Read(machine.Files));
    }

    private static string Print(LcorePlan plan) => string.Join(
        ' ', plan.Lcores.Select(lcore => $"{lcore.Index}:{lcore.Id}@{lcore.Cpus}{(lcore.IsMain ? "*" : "")}"));

    private static string Error(Action resolve) => Assert.Throws<CommandLineException>(resolve).Message;

    [Fact]
    public void Without_options_every_allowed_CPU_is_a_lcore() =>
        Assert.Equal("0:2@2* 1:3@3 2:5@5", Print(Resolve(null, "2-3,5")));

    [Fact]
    public void Lcores_are_in_the_order_of_their_ids_and_the_lowest_is_main() =>
        Assert.Equal("0:0@6* 1:3@3 2:5@0,2", Print(Resolve("5@(0,2),3,0@6")));

    [Fact]
    public void The_main_lcore_can_be_chosen() =>
        Assert.Equal("0:1@1 1:2@2* 2:3@3", Print(Resolve("1-3", main: 2)));

    [Fact]
    public void Ids_are_remapped_and_the_main_lcore_is_named_by_its_new_id()
    {
        Assert.Equal("0:0@5* 1:1@6 2:2@7", Print(Resolve("5-7", remap: 0)));
        Assert.Equal("0:10@5 1:11@6* 2:12@7", Print(Resolve("5-7", main: 11, remap: 10)));
        Assert.Equal("0:0@2* 1:1@3", Print(Resolve(null, "2-3", remap: 0)));
    }

    [Fact]
    public void Two_lcores_may_share_a_CPU_with_a_warning()
    {
        LcorePlan plan = Resolve("0@1,1@1");

        Assert.Equal("0:0@1* 1:1@1", Print(plan));
        Assert.Equal(["lcores 0-1 share CPU 1, take turns on it and lose most of their speed"], plan.Warnings);
    }

    [Fact]
    public void Two_lcores_on_threads_of_one_core_are_warned_of() => Assert.Equal(
        ["lcores 2,6 slow each other down: CPUs 2,6 are threads of one physical core (core 0 of package 1)"],
        Resolve("0-2,6").Warnings);

    [Fact]
    public void Lcores_on_cores_of_their_own_are_not_warned_of() => Assert.Empty(Resolve("0-3").Warnings);

    [Fact]
    public void A_port_on_another_node_is_warned_of()
    {
        using FakeMachine machine = FakeCpus.SmtServer();
        CpuTopology topology = CpuTopology.Read(machine.Files);
        var lcore = new Lcore(6, 0, new CpuSet([6]), IsMain: true);

        Assert.Equal(
            "port 0000:01:00.0 is on NUMA node 0, but lcore 6 (CPU 6) is on node 1: every packet crosses between them",
            SharedCores.CrossNode("0000:01:00.0", 0, lcore, topology));
        Assert.Null(SharedCores.CrossNode("0000:01:00.0", 1, lcore, topology));
        Assert.Null(SharedCores.CrossNode("net_null0", -1, lcore, topology));
    }

    [Fact]
    public void A_CPU_that_is_not_allowed_is_refused_with_both_lists() => Assert.Equal(
        "The lcores need the CPUs 0-3, but this process may use only the CPUs 2-5: CPU 0-1 is not among them; " +
        "give -l 2-5, leave -l out to use them all, or let the process have more " +
        "(taskset -c, cpuset.cpus of its cgroup, in a pod whole CPUs as both requests and limits)",
        Error(() => Resolve("0-3", "2-5")));

    [Fact]
    public void A_CPU_that_is_not_there_is_refused() => Assert.Equal(
        "The lcores need the CPUs 0,9, but this process may use only the CPUs 0-7: " +
        "CPU 9 is not in this machine or switched off (online: 0-7); give -l 0-7, leave -l out to use them all",
        Error(() => Resolve("0@(0,9)")));

    [Fact]
    public void A_main_lcore_that_is_none_of_the_lcores_is_refused() => Assert.Equal(
        "The main lcore 5 is none of the lcores 0-1; give one of them as --main-lcore, or add 5 to -l",
        Error(() => Resolve("0-1", main: 5)));

    [Fact]
    public void More_lcores_than_there_can_be_are_refused() => Assert.Equal(
        "129 lcores are asked for, but there can be at most 128; give fewer CPUs with -l",
        Error(() => Resolve("(0-128)@0")));

    [Fact]
    public void On_a_large_machine_the_first_128_CPUs_are_used_with_a_warning()
    {
        LcorePlan plan = Resolve(null, "0-191");

        Assert.Equal(128, plan.Lcores.Count);
        Assert.StartsWith("Of the CPUs 0-191 the first 128 are used", plan.Warnings[0], StringComparison.Ordinal);
    }
}
