using Versus.Machine;
using Versus.Programs;
using Versus.Throughput;
using Versus.Transports;

namespace Versus.Startup;

/// <summary>How soon our l2fwd is how fast when it is compiled in other ways than users get it.</summary>
/// <param name="Way">How it is compiled.</param>
/// <param name="First">Milliseconds from the start of the process until its first statistics, when it begins to forward.</param>
/// <param name="Full">Milliseconds from the start of the process until 90 % of full speed.</param>
internal sealed record TieringResult(string Way, Spread First, Spread Full)
{
    /// <summary>Takes the sum over the starts of one way.</summary>
    public static TieringResult Of(string way, IReadOnlyList<StartupTrace> traces) => new(
        way,
        Spread.Of(traces.Select(trace => 1e3 * trace.FirstAfter)),
        Spread.Of(traces.Select(trace => 1e3 * trace.FullSpeedAfter)));
}

/// <summary>Starts our l2fwd again and again, compiled in one way after the other.</summary>
/// <param name="executable">As users get it.</param>
/// <param name="rounds">How often each is started.</param>
internal sealed class TieringComparison(string executable, int rounds)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(1.5);

    /// <summary>Compares over a transport.</summary>
    public IReadOnlyList<TieringResult> Run(Transport transport)
    {
        string withoutReadyToRun = PublishWithoutReadyToRun();
        (string Way, OurL2Fwd Program)[] ways =
        [
            ("as published", new OurL2Fwd(executable)),
            ("TieredCompilation=1", new OurL2Fwd(executable, "DOTNET_TieredCompilation=1")),
            ("without ReadyToRun", new OurL2Fwd(withoutReadyToRun)),
            ("without ReadyToRun, TieredCompilation=1", new OurL2Fwd(withoutReadyToRun, "DOTNET_TieredCompilation=1")),
        ];
        Dictionary<string, List<StartupTrace>> traces = ways.ToDictionary(way => way.Way, _ => new List<StartupTrace>());
        for (int round = 0; round < rounds; round++)
        {
            foreach ((string way, OurL2Fwd program) in ways)
                traces[way].Add(StartupTrace.Take(program, transport, s_interval, s_duration));
        }

        return [.. ways.Select(way => TieringResult.Of(way.Way, traces[way.Way]))];
    }

    private static string PublishWithoutReadyToRun()
    {
        const string directory = "artifacts/l2fwd-without-ready-to-run";
        Command.Run($"dotnet publish src/L2Fwd --configuration Release --output {directory} --nologo --verbosity quiet");
        return Path.GetFullPath($"{directory}/l2fwd");
    }
}
