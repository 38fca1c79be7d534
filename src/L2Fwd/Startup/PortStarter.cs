using Dataplane;
using Dataplane.Memory;
using Dataplane.Ports;
using L2Fwd.Terminal;

namespace L2Fwd.Startup;

/// <summary>Configures and starts the ports, and says so in DPDK's words.</summary>
internal sealed class PortStarter(DataplaneRuntime runtime, Output output)
{
    /// <summary>Starts the ports of a plan.</summary>
    /// <param name="plan">The ports.</param>
    /// <param name="lcores">How many lcores will poll them.</param>
    /// <param name="promiscuous">Whether they receive frames for any station.</param>
    /// <returns>The ports that run, in ascending order of their ids.</returns>
    /// <exception cref="ExitException">None is enabled.</exception>
    /// <exception cref="DataplaneException">The system or a device refuses.</exception>
    public IReadOnlyList<Port> Start(PortPlan plan, int lcores, bool promiscuous)
    {
        Port[] used = [.. runtime.Ports.Where(port => plan.Uses(port.Id))];
        Mempool? pool = used.Length == 0
            ? null
            : runtime.CreateMempool(MempoolOptions.ForPorts(used.Length, lcores));
        foreach (Port port in runtime.Ports)
        {
            if (pool is null || !plan.Uses(port.Id))
                output.Write($"Skipping disabled port {port.Id}\n");
            else
                Start(port, pool, promiscuous);
        }

        return used.Length != 0
            ? used
            : throw new ExitException(
                "All available ports are disabled. Please set portmask.",
                $"give the ports to use as a mask after --: -p {(1UL << runtime.Ports.Count) - 1:x} is all of them");
    }

    private void Start(Port port, Mempool pool, bool promiscuous)
    {
        output.Write($"Initializing port {port.Id}... ");
        port.Configure(new PortConfiguration(pool));
        port.Start();
        output.Write("done: \n");
        if (promiscuous)
            port.Promiscuous = true;
        output.Write($"Port {port.Id}, MAC address: {port.MacAddress}\n\n");
    }
}
