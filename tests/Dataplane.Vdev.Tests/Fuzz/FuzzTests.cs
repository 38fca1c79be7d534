using Xunit.Abstractions;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// Each fuzzer for some seconds, with another seed each time: what it finds is repeated with the seed that it prints, as
/// far as that goes; what threads do at once differs from run to run. For longer see <see cref="FuzzProgram"/>.
/// </summary>
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly TimeSpan PerFuzzer = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Fuzzers => [.. Fuzzer.All.Keys];

    [Theory]
    [MemberData(nameof(Fuzzers))]
    public void Hostile_peers_end_their_own_connections_and_nothing_else(string name)
    {
        FuzzResult result = FuzzProcess.Run(name, PerFuzzer, Environment.TickCount);
        output.WriteLine(result.ToString());
        Assert.True(result.IsGood, result.ToString());
    }
}
