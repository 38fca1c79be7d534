using Dataplane.Ports;
using L2Fwd.Shutdown;
using L2Fwd.Terminal;

namespace L2Fwd.Startup;

/// <summary>
/// Waits until the links of all ports are up, for a while, then says what they are; forwarding starts either way.
/// </summary>
/// <param name="output">Gets DPDK's lines.</param>
/// <param name="stop">Ends the wait.</param>
internal sealed class LinkWait(Output output, StopSignals stop)
{
    /// <summary>DPDK's 9 seconds: 90 looks, 100 ms apart.</summary>
    private const int Looks = 90;

    /// <summary>Time between looks.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Waits.</summary>
    public void For(IReadOnlyList<Port> ports)
    {
        output.Write("\nChecking link status");
        for (int look = 0; look < Looks && !ports.All(port => port.GetLink().IsUp); look++)
        {
            output.Write(".");
            if (stop.Wait(Pause))
                return;
        }

        output.Write("done\n");
        foreach (Port port in ports)
            output.Write($"Port {port.Id} {port.GetLink()}\n");
    }
}
