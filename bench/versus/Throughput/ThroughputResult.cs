namespace Versus.Throughput;

/// <summary>One measurement of one program.</summary>
/// <param name="Own">Packets per second that the program says it sent.</param>
/// <param name="Peer">Packets per second that the peer says it got back; null without a peer.</param>
internal sealed record RunResult(double Own, double? Peer)
{
    /// <summary>What counts: what came back, where somebody can tell.</summary>
    public double PacketsPerSecond => Peer ?? Own;
}

/// <summary>All measurements of one program over one transport, in the order in which they were made.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="FramesChecked">Frames that were compared one by one.</param>
/// <param name="Runs">One per round.</param>
internal sealed record ProgramResult(string Program, int FramesChecked, IReadOnlyList<RunResult> Runs)
{
    /// <summary>Packets per second.</summary>
    public Spread Rate => Spread.Of(Runs.Select(run => run.PacketsPerSecond));
}

/// <summary>What was measured over a transport.</summary>
/// <param name="Transport">Its name.</param>
/// <param name="What">What it is.</param>
/// <param name="Target">The least ratio that we want against DPDK.</param>
/// <param name="Programs">The last one is ours.</param>
internal sealed record ThroughputResult(string Transport, string What, double Target, IReadOnlyList<ProgramResult> Programs)
{
    /// <summary>Ours divided by another program, round by round.</summary>
    public Spread RatioTo(ProgramResult other) =>
        Spread.Of(Programs[^1].Runs.Zip(other.Runs, (ours, theirs) => ours.PacketsPerSecond / theirs.PacketsPerSecond));
}
