using Dataplane.Lcores;
using L2Fwd.CommandLine;
using L2Fwd.Terminal;

namespace L2Fwd.Startup;

/// <summary>A lcore and what it forwards.</summary>
/// <param name="Lcore">The lcore.</param>
/// <param name="Ways">From the port that it polls to the port that it sends on; none: it has nothing to do.</param>
internal sealed record PortAssignment(Lcore Lcore, IReadOnlyList<PortPair> Ways)
{
    /// <summary>Gives ports to lcores in order, each as many as <c>-q</c> says.</summary>
    /// <param name="plan">The ports.</param>
    /// <param name="lcores">All lcores, in ascending order of their ids.</param>
    /// <param name="portsPerLcore">Most ports per lcore.</param>
    /// <param name="output">Gets a line per port.</param>
    /// <returns>All lcores.</returns>
    /// <exception cref="ExitException">There are too few.</exception>
    public static IReadOnlyList<PortAssignment> Assign(
        PortPlan plan, IReadOnlyList<Lcore> lcores, int portsPerLcore, Output output)
    {
        PortPair[][] shares = [.. plan.Destinations.Chunk(portsPerLcore)];
        for (int i = 0; i < shares.Length; i++)
        {
            if (i == lcores.Count)
                throw NotEnough(plan.Destinations.Count, lcores.Count, portsPerLcore);
            foreach (PortPair way in shares[i])
                output.Write($"Lcore {lcores[i].Id}: RX port {way.First} TX port {way.Second}\n");
        }

        return [.. lcores.Select((lcore, i) => new PortAssignment(lcore, i < shares.Length ? shares[i] : []))];
    }

    private static ExitException NotEnough(int ports, int lcores, int portsPerLcore)
    {
        int neededLcores = DivideUp(ports, portsPerLcore);
        int neededPortsPerLcore = DivideUp(ports, lcores);
        string morePorts = neededPortsPerLcore <= L2FwdCommandLine.MaxPortsPerLcore
            ? $", or let each poll {neededPortsPerLcore} ports (-q {neededPortsPerLcore}, after --)"
            : "";
        return new ExitException(
            "Not enough cores",
            $"{ports} ports at {portsPerLcore} per lcore need {neededLcores} lcores, and there are {lcores}: " +
            $"give more CPUs (-l, before --){morePorts}");
    }

    private static int DivideUp(int value, int divisor) => (value + divisor - 1) / divisor;
}
