using Dataplane.Testing.Programs;
using Versus.Machine;

namespace Versus.Probe;

/// <summary>This program once more, as a probe in a namespace, which a process enters as a whole.</summary>
internal static class ProbeProcess
{
    /// <summary>First word of a probe's command line.</summary>
    public const string Verb = "probe";

    private const string Ready = "ready";

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

    /// <summary>As <see cref="MeasureLatency(Placement, ValueTuple{string, string}, int, int)"/>, over ports that connect processes.</summary>
    /// <param name="placement">Where the probe runs.</param>
    /// <param name="ports">The probe's ports.</param>
    /// <param name="start">Starts the program, which finds the probe's ports ready.</param>
    /// <param name="framesPerSecond">Frames per second, at random times.</param>
    /// <param name="seconds">How long.</param>
    public static ProbeResult MeasureLatency(
        Placement placement, (string First, string Second) ports, Func<IDisposable> start, int framesPerSecond, int seconds)
    {
        using ConsoleProcess probe = ConsoleProcess.Start([.. Words(placement, $"latency {ports.First} {ports.Second} {framesPerSecond} {seconds}")]);
        probe.WaitFor(0, 1, line => line == Ready);
        using IDisposable program = start();
        return ProbeResult.Parse(probe.WaitFor(0, 1, line => line.StartsWith('{'))[0].Text);
    }

    /// <summary>What the process does that <see cref="Run"/> starts.</summary>
    public static void Answer(ReadOnlySpan<string> words)
    {
        using var ends = ProbeEnds.Open(words[1], words[2]);
        if (ProbeEnds.ArePorts(words[1]))
            Console.WriteLine(Ready);
        ends.WaitForLinks();
        ProbeResult result = words[0] == "frames"
            ? FrameProbe.Run(ends)
            : LatencyProbe.Run(ends, int.Parse(words[3]), TimeSpan.FromSeconds(int.Parse(words[4])));
        Console.WriteLine(result.ToJson());
    }

    private static ProbeResult Run(Placement placement, string arguments) =>
        ProbeResult.Parse(Command.Run(string.Join(' ', Words(placement, arguments))));

    private static IEnumerable<string> Words(Placement placement, string arguments) =>
        [.. placement.Prefix, Environment.ProcessPath!, Environment.GetCommandLineArgs()[0], Verb, .. arguments.Split(' ')];
}
