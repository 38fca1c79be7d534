using Dataplane.Testing.Programs;
using Versus.Frames;
using Versus.Machine;
using Versus.Probe;
using Versus.Programs;
using Versus.Transports;

namespace Versus.Throughput;

/// <summary>Measures packets per second of several programs in turn: A B A B ..., so that the machine's moods hit all.</summary>
/// <param name="programs">Ours is the last.</param>
/// <param name="rounds">How often each is measured.</param>
/// <param name="duration">How long each time.</param>
/// <param name="cores">Says when to measure.</param>
/// <param name="directory">For capture files.</param>
internal sealed class ThroughputComparison(IReadOnlyList<IForwarder> programs, int rounds, TimeSpan duration, SteadyCores cores, string directory)
{
    /// <summary>From the start of a program until it is measured: caches are warm then, and peers have found each other.</summary>
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(1);

    /// <summary>Long enough that to ask testpmd costs nothing that matters.</summary>
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(200);

    /// <summary>A little more than from one line of l2fwd's statistics to the next.</summary>
    private static readonly TimeSpan s_cycleSlice = TimeSpan.FromSeconds(1);

    private readonly Dictionary<IForwarder, int> _checkedByCapture = [];

    /// <summary>Compares over one transport.</summary>
    /// <param name="transport">Which.</param>
    /// <param name="frameLength">Bytes of a frame from outside.</param>
    public ThroughputResult Run(Transport transport, int frameLength)
    {
        using var bed = new TestBed(transport, directory);
        Dictionary<IForwarder, int> frames = programs.ToDictionary(program => program, program => CheckFrames(program, transport, bed));
        Dictionary<IForwarder, List<RunResult>> runs = programs.ToDictionary(program => program, _ => new List<RunResult>());
        for (int round = 0; round < rounds; round++)
        {
            foreach (IForwarder program in programs)
            {
                RunResult result = Measure(program, bed, frameLength);
                runs[program].Add(result);
                Console.WriteLine($"{transport.Name,-18} {frameLength,4} {program.Name,-10} {result.PacketsPerSecond / 1e6,10:F3} Mpps{result.Cycles}   cores {result.CoreDistance:F0} ns apart");
            }
        }

        return new ThroughputResult(transport, frameLength, [.. programs.Select(program => new ProgramResult(program.Name, frames[program], runs[program]))]);
    }

    /// <summary>A tenth of the packets per second that the first program forwards, in one direction.</summary>
    public int TenthOfFirst(Transport transport)
    {
        using var bed = new TestBed(transport, directory);
        return (int)(Measure(programs[0], bed, TestPmdProcess.ShortestFrame).PacketsPerSecond / 2 / 10);
    }

    private RunResult Measure(IForwarder program, TestBed bed, int frameLength)
    {
        RunResult result = cores.Measure(() => MeasureOnce(program, bed, frameLength), out double nanoseconds);
        return result with { CoreDistance = nanoseconds };
    }

    private RunResult MeasureOnce(IForwarder program, TestBed bed, int frameLength)
    {
        using Traffic traffic = bed.Start(program, frameLength);
        (IRunningForwarder running, TestPmdProcess? peer) = traffic;
        Thread.Sleep(s_settling);
        running.BeginMeasurement();
        double? back = peer is null ? null : FastestSlice(peer);
        if (peer is null)
            Thread.Sleep(duration);
        return new RunResult(running.EndMeasurement(), back) { Cycles = peer is null ? null : CountCycles(running, peer) };
    }

    /// <summary>
    /// What came back in the best part of the time: whoever shares the machine with us takes from both programs, now more and now
    /// less (a busy second thread of our core costs a third), and never gives.
    /// </summary>
    private double FastestSlice(TestPmdProcess peer)
    {
        double fastest = 0;
        peer.BeginMeasurement();
        for (TimeSpan measured = default; measured < duration; measured += s_slice)
        {
            Thread.Sleep(s_slice);
            fastest = Math.Max(fastest, peer.EndMeasurementOfReceived());
        }

        return fastest;
    }

    /// <summary>Afterwards: to count costs a little. For as long again; of either side the best second counts.</summary>
    private CycleCount? CountCycles(IRunningForwarder running, TestPmdProcess peer)
    {
        CycleCount? fewest = null;
        for (TimeSpan counted = default; counted < duration; counted += s_cycleSlice)
        {
            running.BeginCycles();
            peer.BeginCycles();
            Thread.Sleep(s_cycleSlice);
            CoreCycles theirs = peer.EndCycles();
            if (running.EndCycles(theirs.Hz) is not { } own)
                return null;
            fewest = new CycleCount(Math.Min(own, fewest?.Program ?? own), Math.Min(theirs.PerPacket, fewest?.Peer ?? theirs.PerPacket), theirs.Hz);
        }

        return fewest;
    }

    /// <summary>Where no frame leaves the program, it shows that it forwards correctly from capture file to capture file.</summary>
    private int CheckFrames(IForwarder program, Transport transport, TestBed bed)
    {
        if (!bed.HasInterfaces)
        {
            if (!_checkedByCapture.TryGetValue(program, out int count))
                _checkedByCapture[program] = count = CaptureCheck.Run(program, directory);
            return count;
        }

        using IRunningForwarder running = program.Start(transport.Ports, bed.Device);
        return ProbeProcess.CheckFrames(program.Name, bed.Peer, bed.Interfaces);
    }
}
