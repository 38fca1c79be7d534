using Versus.Frames;
using Versus.Latency;
using Versus.Machine;
using Versus.Programs;
using Versus.Reports;
using Versus.Startup;
using Versus.Throughput;
using Versus.Transports;

namespace Versus;

/// <summary>Prepares the machine, measures what the options ask for, and leaves the machine as it was.</summary>
/// <param name="options">What to measure.</param>
/// <param name="directory">For captures and what is built; outside of the repository.</param>
internal sealed class ComparisonRun(VersusOptions options, string directory)
{
    private const int CaptureFrames = 256;

    /// <summary>How long a measurement waits for cores that stand well to each other.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Measures.</summary>
    /// <param name="commandLine">How we were called.</param>
    public Comparison Run(string commandLine)
    {
        DebianPackages.Install(DebianPackages.ForTestPmd);
        string executable = options.L2Fwd ?? Publish();
        var ours = new OurL2Fwd(executable);
        IReadOnlyList<IForwarder> programs = [.. options.Against.Select(Other), ours];
        IReadOnlyList<Transport> all = TransportList.All(WriteCapture(), directory);
        Transport Find(string name) => all.FirstOrDefault(transport => transport.Name == name)
            ?? throw new VersusException($"There is no transport '{name}'; there are {string.Join(", ", all.Select(transport => transport.Name))}");

        List<Transport> chosen = options.Transports.Any() ? [.. options.Transports.Select(Find)] : [.. all];
        using var hugepages = new Hugepages();
        var duration = TimeSpan.FromSeconds(options.Seconds);
        var cores = new SteadyCores(options.Smoke ? TimeSpan.Zero : s_patience);
        var throughput = new ThroughputComparison(programs, options.Pairs, duration, cores, directory);
        // Of DPDK testpmd is enough there: both of its programs use the same ports.
        var betweenProcesses = new ThroughputComparison(OnlyTestPmd(programs), options.Pairs, duration, cores, directory);
        var latency = new LatencyComparison(programs, options.Pairs, options.Seconds, cores, directory);
        var latencyBetweenProcesses = new LatencyComparison(OnlyTestPmd(programs), options.Pairs, options.Seconds, cores, directory);
        return new Comparison(MachineDescription.Read(), commandLine)
        {
            Throughput = options.All || options.Throughput ? [.. chosen.Where(transport => !transport.IsBetweenProcesses).Select(RunOnce)] : [],
            BetweenProcesses = options.All || options.Throughput ? [.. chosen.Where(transport => transport.IsBetweenProcesses).SelectMany(RunSizes)] : [],
            Latency = options.All || options.Latency ? [.. MeasureLatency()] : [],
            Startup = options.All || options.Startup ? [.. ((string[])["null", "ring"]).Select(Find).Select(TakeStartup)] : [],
            Tiering = options.All || options.Startup ? new TieringComparison(executable, options.Pairs).Run(Find("null")) : [],
            Steady = options.All || options.Steady ? SteadyRun.Take(ours, Find("ring"), TimeSpan.FromSeconds(60)) : null,
        };

        ThroughputResult RunOnce(Transport transport) => throughput.Run(transport, TestPmdProcess.ShortestFrame);

        IEnumerable<ThroughputResult> RunSizes(Transport transport) => options.Sizes.Select(size => betweenProcesses.Run(transport, size));

        IEnumerable<LatencyResult> MeasureLatency()
        {
            if (!options.Transports.Any() || options.Transports.Contains("af_packet"))
                yield return latency.Run(Find("af_packet"), options.Rate);
            foreach (Transport transport in chosen.Where(transport => transport.IsBetweenProcesses))
                yield return latencyBetweenProcesses.Run(transport, betweenProcesses.TenthOfFirst(transport));
        }

        StartupTrace TakeStartup(Transport transport) => StartupTrace.Take(
            ours, transport, interval: TimeSpan.FromMilliseconds(100), duration: TimeSpan.FromSeconds(5));
    }

    private IForwarder Other(string name) => name switch
    {
        "testpmd" => new TestPmdForwarder(),
        "dpdk-l2fwd" => DpdkL2Fwd.Build(directory),
        _ => throw new VersusException($"--against knows testpmd and dpdk-l2fwd, not '{name}'"),
    };

    private static IReadOnlyList<IForwarder> OnlyTestPmd(IEnumerable<IForwarder> programs) => [.. programs.Where(program => program.Name != "dpdk-l2fwd")];

    private static string Publish()
    {
        Console.WriteLine("Publishing l2fwd");
        Command.Run("scripts/publish");
        return Path.GetFullPath("artifacts/l2fwd/l2fwd");
    }

    private string WriteCapture()
    {
        string path = Path.Combine(directory, "replay.pcap");
        CaptureFile.Write(path, Enumerable.Range(0, CaptureFrames).Select(i => TestFrame.Create(i, length: 64)));
        return path;
    }
}
