using L2Fwd.CommandLine;
using L2Fwd.Startup;

namespace L2Fwd.Tests.Startup;

public class PortPlanTests
{
    [Theory]
    [InlineData("-p 3", 2, "0>1 1>0", "")]
    [InlineData("-p f", 4, "0>1 1>0 2>3 3>2", "")]
    [InlineData("-p 5", 3, "0>2 2>0", "")]
    [InlineData("-p 1", 2, "0>0", "Notice: odd number of ports in portmask.\n")]
    [InlineData("-p 7", 3, "0>1 1>0 2>2", "Notice: odd number of ports in portmask.\n")]
    [InlineData("-p f --portmap=(0,3)(1,2)", 4, "0>3 1>2 2>1 3>0", "")]
    [InlineData("-p f --portmap=(0,3)", 4, "0>3 3>0", "")]
    [InlineData("-p 3 --portmap=(0,0)", 2, "0>0", "")]
    [InlineData("-p ff --portmap=(0,1)", 2, "0>1 1>0", "")]
    [InlineData("-p 3 --portmap=0,1", 2, "", "")]
    [InlineData("", 2, "", "")]
    public void Ports_forward_to_their_neighbours_or_as_the_portmap_says(
        string commandLine, int ports, string ways, string printed)
    {
        using var texts = new Texts();

        PortPlan plan = Make(commandLine, ports, texts);

        Assert.Equal(ways, string.Join(' ', plan.Destinations.Select(way => $"{way.First}>{way.Second}")));
        Assert.Equal(printed, texts.Text);
    }

    [Fact]
    public void A_mask_has_room_for_32_ports()
    {
        using var texts = new Texts();

        PortPlan plan = Make("-p ffffffff", 32, texts);

        Assert.Equal(32, plan.Destinations.Count);
        Assert.Equal(new PortPair(31, 30), plan.Destinations[^1]);
    }

    [Theory]
    [InlineData("-p f --portmap=(0,3)(3,2)", 4, "port 2 is used in other port pairs\n", "Invalid port pair config")]
    [InlineData("-p 3 --portmap=(0,3)", 4, "port 3 is not enabled in port mask\n", "Invalid port pair config")]
    [InlineData("-p ff --portmap=(0,5)", 2, "port 5 is not present on the board\n", "Invalid port pair config")]
    [InlineData("-p f", 2, "", "Invalid portmask; possible (0x3)")]
    [InlineData("-p 4", 2, "", "Invalid portmask; possible (0x3)")]
    public void A_plan_that_cannot_be_is_refused_in_DPDKs_words_and_mended_in_ours(
        string commandLine, int ports, string printed, string cause)
    {
        using var texts = new Texts();

        ExitException thrown = Assert.Throws<ExitException>(() => Make(commandLine, ports, texts));

        Assert.Equal(cause, thrown.Message);
        Assert.Equal(printed, texts.Text);
        Assert.NotNull(thrown.Remedy);
    }

    [Fact]
    public void The_remedy_names_the_port_that_really_is_in_two_pairs()
    {
        using var texts = new Texts();

        ExitException thrown = Assert.Throws<ExitException>(() => Make("-p f --portmap=(0,3)(3,2)", 4, texts));

        Assert.StartsWith("port 3 stands in two pairs", thrown.Remedy, StringComparison.Ordinal);
    }

    private static PortPlan Make(string commandLine, int ports, Texts texts) => PortPlan.Make(
        L2FwdCommandLine.Parse(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries)), ports, texts.Output);
}
