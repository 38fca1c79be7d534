using Dataplane.Ports;
using L2Fwd.Terminal;

namespace L2Fwd.Shutdown;

/// <summary>
/// Closes the ports and says so in DPDK's words. What is on its way to a device is sent within the driver's bound.
/// </summary>
internal static class PortCloser
{
    /// <summary>Closes ports that are still open; no lcore polls them any more.</summary>
    public static void Close(IEnumerable<Port> ports, Output output)
    {
        foreach (Port port in ports.Where(port => port.State != PortState.Closed))
        {
            output.Write($"Closing port {port.Id}...");
            port.Dispose();
            output.Write(" Done\n");
        }

        output.Write("Bye...\n");
    }
}
