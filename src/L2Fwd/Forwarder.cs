using Dataplane;
using Dataplane.Lcores;
using Dataplane.Ports;
using L2Fwd.CommandLine;
using L2Fwd.Forwarding;
using L2Fwd.Shutdown;
using L2Fwd.Startup;
using L2Fwd.Statistics;
using L2Fwd.Terminal;
using Microsoft.Extensions.Logging;

namespace L2Fwd;

/// <summary>
/// Starts the ports, lets lcores forward between them while statistics are shown, and closes the ports.
/// </summary>
internal sealed class Forwarder(DataplaneRuntime runtime, L2FwdOptions options, Output output, ILogger logger)
{
    /// <summary>Forwards until a signal comes.</summary>
    /// <exception cref="ExitException">The ports or lcores do not fit the options, or a lcore failed.</exception>
    /// <exception cref="DataplaneException">The system or a device refuses.</exception>
    public void Run(StopSignals stop)
    {
        output.Write($"MAC updating {(options.UpdatesMac ? "enabled" : "disabled")}\n");
        if (runtime.Ports.Count == 0)
        {
            throw new ExitException(
                "No Ethernet ports - bye",
                "bind a NIC to VFIO on the host ('dataplane devbind --bind vfio-pci ADDRESS'), or name software ports before --, such as " +
                "--vdev=net_af_packet0,iface=eth0");
        }

        PortPlan plan = PortPlan.Make(options, runtime.Ports.Count, output);
        IReadOnlyList<PortAssignment> assignments =
            PortAssignment.Assign(plan, runtime.Lcores.Lcores, options.PortsPerLcore, output);
        int polling = assignments.Count(assignment => assignment.Ways.Count > 0);
        IReadOnlyList<Port> ports = new PortStarter(runtime, output, options).Start(plan, polling);
        new LinkWait(output, stop).For(ports);
        Forward(assignments, ports, stop);
    }

    private void Forward(IReadOnlyList<PortAssignment> assignments, IReadOnlyList<Port> ports, StopSignals stop)
    {
        var lcores = new List<ForwardingLcore>();
        foreach (PortAssignment assignment in assignments)
        {
            Announce(assignment);
            if (assignment.Ways.Count > 0)
                lcores.Add(MakeLcore(assignment));
        }

        var source = new StatisticsSource(ports, lcores);
        var removal = new PortRemoval(lcores, stop, logger);
        bool isTerminal = !Console.IsOutputRedirected;
        using (var printer = StatisticsViews.CreatePrinter(options, source, output, isTerminal, logger))
        {
            // A lcore that fails ends the program: half of the traffic is worse than a restart.
            runtime.Lcores.Failed = (_, _) => stop.Request();
            foreach (ForwardingLcore lcore in lcores)
                runtime.Lcores.Launch(lcore.Lcore, (_, stopped) => lcore.Loop.Run(stopped));
            // Also those that are not used: the host waits for them no less.
            removal.Watch(runtime.Ports);
            printer.Run(stop);
        }

        removal.End();
        stop.Announce();
        runtime.Lcores.RequestStop();
        bool failed = !TryWaitForLcores();
        PortCloser.Close(ports, output);
        if (failed)
        {
            throw new ExitException(
                "A lcore failed while it forwarded",
                "this is an error in the program: please report what L2FWD says above");
        }

        if (removal.NothingIsLeft)
        {
            throw new ExitException(
                "No ports are left to forward between: the host wanted them back",
                "bind devices to vfio-pci again, or name others with -a, and start anew");
        }
    }

    private bool TryWaitForLcores()
    {
        try
        {
            runtime.Lcores.WaitAll();
            return true;
        }
        catch (AggregateException e)
        {
            foreach (Exception failure in e.InnerExceptions)
                logger.LogError(failure, "A lcore failed");
            return false;
        }
    }

    private void Announce(PortAssignment assignment)
    {
        int id = assignment.Lcore.Id;
        if (assignment.Ways.Count == 0)
        {
            logger.LogInformation("lcore {Lcore} has nothing to do", id);
            return;
        }

        logger.LogInformation("entering main loop on lcore {Lcore}", id);
        foreach (PortPair way in assignment.Ways)
        {
            logger.LogInformation(" -- lcoreid={Lcore} portid={Port}", id, way.First);
            runtime.WarnOfDistance(runtime.Ports[way.First], assignment.Lcore);
        }
    }

    private ForwardingLcore MakeLcore(PortAssignment assignment)
    {
        Route[] routes = [.. assignment.Ways.Select(MakeRoute)];
        return new ForwardingLcore(assignment.Lcore, routes, new ForwardingLoop(routes, new LcoreStatistics(), options.RxInterrupt));

        Route MakeRoute(PortPair way) => new(runtime.Ports[way.First], runtime.Ports[way.Second], options.UpdatesMac);
    }
}
