using Dataplane.Lcores;
using L2Fwd.CommandLine;
using L2Fwd.Startup;

namespace L2Fwd.Tests.Startup;

public class PortAssignmentTests
{
    private static readonly PortPlan s_fourPorts =
        new(0xF, [new PortPair(0, 1), new PortPair(1, 0), new PortPair(2, 3), new PortPair(3, 2)]);

    [Fact]
    public void Ports_go_to_lcores_in_order_and_what_is_left_has_nothing_to_do()
    {
        using var texts = new Texts();

        IReadOnlyList<PortAssignment> assignments =
            PortAssignment.Assign(s_fourPorts, Lcores(2, 5, 7), 3, texts.Output);

        Assert.Equal([3, 1, 0], assignments.Select(assignment => assignment.Ways.Count));
        Assert.Equal(
            "Lcore 2: RX port 0 TX port 1\nLcore 2: RX port 1 TX port 0\n" +
            "Lcore 2: RX port 2 TX port 3\nLcore 5: RX port 3 TX port 2\n",
            texts.Text);
    }

    [Fact]
    public void Too_few_lcores_are_refused_after_the_lines_of_those_that_are_full()
    {
        using var texts = new Texts();

        ExitException thrown = Assert.Throws<ExitException>(
            () => PortAssignment.Assign(s_fourPorts, Lcores(0), 1, texts.Output));

        Assert.Equal("Not enough cores", thrown.Message);
        Assert.Contains("-q 4", thrown.Remedy, StringComparison.Ordinal);
        Assert.Equal("Lcore 0: RX port 0 TX port 1\n", texts.Text);
    }

    private static Lcore[] Lcores(params int[] ids) =>
        [.. ids.Select((id, index) => new Lcore(id, index, new CpuSet([id]), IsMain: index == 0))];
}
