using Dataplane;
using Dataplane.Memory;
using Dataplane.Ports;
using L2Fwd.CommandLine;
using L2Fwd.Terminal;

namespace L2Fwd.Startup;

/// <summary>Configures and starts the ports, and says so in DPDK's words.</summary>
/// <param name="runtime">Has the ports.</param>
/// <param name="output">Gets DPDK's lines.</param>
/// <param name="options">How they shall work.</param>
internal sealed class PortStarter(DataplaneRuntime runtime, Output output, L2FwdOptions options)
{
    /// <summary>Starts the ports of a plan.</summary>
    /// <param name="plan">The ports.</param>
    /// <param name="lcores">How many lcores will poll them.</param>
    /// <returns>The ports that run, in ascending order of their ids.</returns>
    /// <exception cref="ExitException">None is enabled, or one cannot do what the options want.</exception>
    /// <exception cref="DataplaneException">The system or a device refuses.</exception>
    public IReadOnlyList<Port> Start(PortPlan plan, int lcores)
    {
        Port[] used = [.. runtime.Ports.Where(port => plan.Uses(port.Id))];
        if (options.RxInterrupt && used.FirstOrDefault(port => !port.Capabilities.HasRxInterrupts) is { } silent)
        {
            throw new ExitException(
                $"Port {silent.Id} ({silent.Name}) has no rx interrupts, which --rx-interrupt needs",
                "leave --rx-interrupt out, so that lcores poll, or leave the port out of -p");
        }

        Mempool? pool = used.Length == 0
            ? null
            : runtime.CreateMempool(MempoolOptions.ForPorts(used.Length, lcores));
        foreach (Port port in runtime.Ports)
        {
            if (pool is null || !plan.Uses(port.Id))
                output.Write($"Skipping disabled port {port.Id}\n");
            else
                Start(port, pool);
        }

        return used.Length != 0
            ? used
            : throw new ExitException(
                "All available ports are disabled. Please set portmask.",
                $"give the ports to use as a mask after --: -p {(1UL << runtime.Ports.Count) - 1:x} is all of them");
    }

    private void Start(Port port, Mempool pool)
    {
        output.Write($"Initializing port {port.Id}... ");
        port.Configure(new PortConfiguration(pool) { RxInterrupts = options.RxInterrupt });
        port.Start();
        output.Write("done: \n");
        if (options.Promiscuous)
            port.Promiscuous = true;
        output.Write($"Port {port.Id}, MAC address: {port.MacAddress}\n\n");
    }
}
