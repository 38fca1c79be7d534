namespace Dataplane.Interop.Tests.Mixed;

/// <summary>Every kind of port forwards to every kind, its own included, in one process.</summary>
public class MixedTests
{
    private static readonly int s_kinds = MixedPorts.Kinds.Count;

    /// <summary>As many rounds as let each kind meet each other kind, all at once in each.</summary>
    public static TheoryData<int> Rounds => [.. Enumerable.Range(0, s_kinds - 1)];

    [Theory]
    [MemberData(nameof(Rounds))]
    public void Frames_of_all_sizes_pass_from_kind_to_kind(int round) => Exchange(PairsOf(round));

    [Fact]
    public void Frames_of_all_sizes_come_back_from_the_port_that_they_came_in_at() =>
        Exchange([.. Enumerable.Range(0, s_kinds).Select(kind => (kind, kind))]);

    [Fact]
    public void Frames_of_all_sizes_pass_through_rings_between_kinds() => Exchange(PairsOf(0), throughRings: true);

    private static void Exchange(IReadOnlyList<(int First, int Second)> pairs, bool throughRings = false)
    {
        using var ports = new MixedPorts(pairs, throughRings);
        foreach ((int first, int second) in pairs)
        {
            ports.Check(first, second);
            ports.Check(second, first);
        }

        ports.End();
    }

    /// <summary>A round of a tournament: the last stays, the others move on by one place each round.</summary>
    private static IReadOnlyList<(int First, int Second)> PairsOf(int round)
    {
        int others = s_kinds - 1;
        return [(round, others), .. Enumerable.Range(1, others / 2).Select(i => ((round + i) % others, (round + others - i) % others))];
    }
}
