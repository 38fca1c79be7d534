using Versus.Transports;

namespace Versus.Throughput;

/// <summary>One measurement of one program.</summary>
/// <param name="Own">Packets per second that the program says it sent.</param>
/// <param name="Peer">Packets per second that the peer says it got back; null without a peer.</param>
internal sealed record RunResult(double Own, double? Peer)
{
    /// <summary>What counts: what came back, where somebody can tell.</summary>
    public double PacketsPerSecond => Peer ?? Own;

    /// <summary>What it cost; null if somebody cannot tell.</summary>
    public CycleCount? Cycles { get; init; }

    /// <summary>Nanoseconds of a cache line from the program's CPU to the peer's and back, right after the measurement.</summary>
    public double CoreDistance { get; init; }
}

/// <summary>All measurements of one program over one transport, in the order in which they were made.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="FramesChecked">Frames that were compared one by one.</param>
/// <param name="Runs">One per round.</param>
internal sealed record ProgramResult(string Program, int FramesChecked, IReadOnlyList<RunResult> Runs)
{
    /// <summary>Packets per second.</summary>
    public Spread Rate => Spread.Of(Runs.Select(run => run.PacketsPerSecond));

    /// <summary>The cycles of all runs; none if they were not counted.</summary>
    public IReadOnlyList<CycleCount> Cycles => [.. Runs.Select(run => run.Cycles).OfType<CycleCount>()];
}

/// <summary>What was measured over a transport.</summary>
/// <param name="Transport">Which.</param>
/// <param name="FrameLength">Bytes of a frame from outside.</param>
/// <param name="Programs">The last one is ours.</param>
internal sealed record ThroughputResult(Transport Transport, int FrameLength, IReadOnlyList<ProgramResult> Programs)
{
    /// <summary>Ours divided by another program, round by round.</summary>
    public Spread RatioTo(ProgramResult other) =>
        Spread.Of(Programs[^1].Runs.Zip(other.Runs, (ours, theirs) => ours.PacketsPerSecond / theirs.PacketsPerSecond));
}
