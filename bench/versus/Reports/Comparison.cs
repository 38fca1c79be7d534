using Versus.Latency;
using Versus.Machine;
using Versus.Startup;
using Versus.Throughput;

namespace Versus.Reports;

/// <summary>Everything that was measured at one time.</summary>
/// <param name="Machine">On what.</param>
/// <param name="CommandLine">How to measure it again.</param>
internal sealed record Comparison(MachineDescription Machine, string CommandLine)
{
    /// <summary>Packets per second, per transport.</summary>
    public IReadOnlyList<ThroughputResult> Throughput { get; init; } = [];

    /// <summary>Packets per second over ports that connect processes, per transport and size.</summary>
    public IReadOnlyList<ThroughputResult> BetweenProcesses { get; init; } = [];

    /// <summary>Round trips at low load, per transport.</summary>
    public IReadOnlyList<LatencyResult> Latency { get; init; } = [];

    /// <summary>How fast our program is how soon.</summary>
    public IReadOnlyList<StartupTrace> Startup { get; init; } = [];

    /// <summary>How soon it is fast when compiled in other ways.</summary>
    public IReadOnlyList<TieringResult> Tiering { get; init; } = [];

    /// <summary>What the garbage collector had to do.</summary>
    public SteadyRun? Steady { get; init; }
}
