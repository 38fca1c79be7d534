using Versus.Machine;
using Versus.Programs;
using Versus.Transports;

namespace Versus.Startup;

/// <summary>A long run of our l2fwd with statistics on: what the garbage collector had to do.</summary>
/// <param name="Transport">What it forwarded over.</param>
/// <param name="Seconds">How long it was watched.</param>
/// <param name="Packets">Packets sent in that time.</param>
/// <param name="Collections">Garbage collections in that time.</param>
/// <param name="AllocatedBytes">Managed memory allocated in that time, by all threads.</param>
internal sealed record SteadyRun(string Transport, double Seconds, long Packets, int Collections, long AllocatedBytes)
{
    /// <summary>The first statistics are not counted: what runs for the first time is compiled and its buffers grow.</summary>
    private const int Settling = 2;

    /// <summary>Starts it and watches it.</summary>
    public static SteadyRun Take(OurL2Fwd program, Transport transport, TimeSpan duration)
    {
        using OurL2FwdProcess running = program.StartOurs(transport.Ports, new Placement(Placement.DeviceCpu));
        Thread.Sleep(duration + TimeSpan.FromSeconds(Settling + 1));
        List<StatisticsLine> lines = [.. running.Statistics.Skip(Settling)];
        return new SteadyRun(
            transport.Name,
            lines.Skip(1).Sum(line => line.Seconds),
            lines[^1].Sent - lines[0].Sent,
            lines[^1].Collections - lines[0].Collections,
            lines[^1].AllocatedBytes - lines[0].AllocatedBytes);
    }
}
