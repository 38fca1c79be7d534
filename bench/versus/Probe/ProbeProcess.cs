using Versus.Machine;

namespace Versus.Probe;

/// <summary>This program once more, as a probe in a namespace, which a process enters as a whole.</summary>
internal static class ProbeProcess
{
    /// <summary>First word of a probe's command line.</summary>
    public const string Verb = "probe";

    /// <summary>Sends frames through a program and compares what comes out; a fault is an exception.</summary>
    /// <returns>How many frames were compared.</returns>
    public static int CheckFrames(string program, Placement placement, (string First, string Second) interfaces)
    {
        ProbeResult result = Run(placement, $"frames {interfaces.First} {interfaces.Second}");
        return result.Fault is null ? result.Frames : throw new VersusException($"{program} over {interfaces.First}: {result.Fault}");
    }

    /// <summary>Measures round trips through a program.</summary>
    public static ProbeResult MeasureLatency(Placement placement, (string First, string Second) interfaces, int framesPerSecond, int seconds) =>
        Run(placement, $"latency {interfaces.First} {interfaces.Second} {framesPerSecond} {seconds}");

    /// <summary>What the process does that <see cref="Run"/> starts.</summary>
    public static void Answer(ReadOnlySpan<string> words)
    {
        ProbeResult result = words[0] == "frames"
            ? FrameProbe.Run(words[1], words[2])
            : LatencyProbe.Run(words[1], words[2], int.Parse(words[3]), TimeSpan.FromSeconds(int.Parse(words[4])));
        Console.WriteLine(result.ToJson());
    }

    private static ProbeResult Run(Placement placement, string arguments)
    {
        string line = $"{string.Join(' ', placement.Prefix)} {Environment.ProcessPath} {Environment.GetCommandLineArgs()[0]} {Verb} {arguments}";
        return ProbeResult.Parse(Command.Run(line));
    }
}
