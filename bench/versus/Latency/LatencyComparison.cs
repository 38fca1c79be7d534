using Versus.Machine;
using Versus.Probe;
using Versus.Programs;
using Versus.Transports;

namespace Versus.Latency;

/// <summary>Round trips at low load through several programs in turn.</summary>
/// <param name="programs">Ours is the last.</param>
/// <param name="rounds">How often each is measured.</param>
/// <param name="seconds">How long each time.</param>
/// <param name="cores">Says when to measure.</param>
/// <param name="directory">Where sockets are made.</param>
internal sealed class LatencyComparison(IReadOnlyList<IForwarder> programs, int rounds, int seconds, SteadyCores cores, string directory)
{
    /// <summary>Measures over a transport with a peer.</summary>
    /// <param name="transport">Which.</param>
    /// <param name="framesPerSecond">Frames per second, at random times.</param>
    public LatencyResult Run(Transport transport, int framesPerSecond)
    {
        using var bed = new TestBed(transport, directory);
        Dictionary<IForwarder, List<ProbeResult>> results = programs.ToDictionary(program => program, _ => new List<ProbeResult>());
        for (int round = 0; round < rounds; round++)
        {
            foreach (IForwarder program in programs)
            {
                ProbeResult result = cores.Measure(() => Measure(program, bed, framesPerSecond), out _);
                results[program].Add(result);
                LatencySummary summary = LatencySummary.Of(program.Name, framesPerSecond, [result]);
                Console.WriteLine(
                    $"{transport.Name,-18} {framesPerSecond}/s {program.Name,-10} p50 {summary.P50 / 1e3,8:F1} us   p99.9 {summary.P999 / 1e3,8:F1} us");
            }
        }

        return new LatencyResult(transport.Name, [.. programs.Select(program => LatencySummary.Of(program.Name, framesPerSecond, results[program]))]);
    }

    private ProbeResult Measure(IForwarder program, TestBed bed, int framesPerSecond)
    {
        ProbeResult result = bed.MeasureLatency(program, framesPerSecond, seconds);
        return result.RoundTrips.Count > 0 ? result : throw new VersusException($"No frame came back through {program.Name}");
    }
}
