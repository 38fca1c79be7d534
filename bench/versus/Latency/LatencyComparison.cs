using Versus.Machine;
using Versus.Probe;
using Versus.Programs;
using Versus.Transports;

namespace Versus.Latency;

/// <summary>Round trips at low load through several programs in turn.</summary>
/// <param name="programs">Ours is the last.</param>
/// <param name="rounds">How often each is measured.</param>
/// <param name="seconds">How long each time.</param>
/// <param name="framesPerSecond">Frames per second, at random times.</param>
/// <param name="directory">Where sockets are made.</param>
internal sealed class LatencyComparison(IReadOnlyList<IForwarder> programs, int rounds, int seconds, int framesPerSecond, string directory)
{
    /// <summary>Measures over a transport with a peer.</summary>
    /// <returns>A summary per program, over all its rounds.</returns>
    public IReadOnlyList<LatencySummary> Run(Transport transport)
    {
        using var bed = new TestBed(transport, directory);
        Dictionary<IForwarder, List<ProbeResult>> results = programs.ToDictionary(program => program, _ => new List<ProbeResult>());
        for (int round = 0; round < rounds; round++)
        {
            foreach (IForwarder program in programs)
            {
                ProbeResult result = Measure(program, transport, bed);
                results[program].Add(result);
                LatencySummary summary = Sum(program, [result]);
                Console.WriteLine($"latency    {program.Name,-10} p50 {summary.P50 / 1e3,8:F1} us   p99.9 {summary.P999 / 1e3,8:F1} us");
            }
        }

        return [.. programs.Select(program => Sum(program, results[program]))];
    }

    private ProbeResult Measure(IForwarder program, Transport transport, TestBed bed)
    {
        using IRunningForwarder running = program.Start(transport.Ports, bed.Device);
        ProbeResult result = ProbeProcess.MeasureLatency(bed.Peer, bed.Interfaces, framesPerSecond, seconds);
        return result.Nanoseconds.Count > 0 ? result : throw new VersusException($"No frame came back through {program.Name}");
    }

    private static LatencySummary Sum(IForwarder program, List<ProbeResult> results) =>
        LatencySummary.Of(program.Name, results.SelectMany(result => result.Nanoseconds), results.Sum(result => result.Lost));
}
