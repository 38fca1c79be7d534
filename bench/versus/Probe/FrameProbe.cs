using System.Diagnostics;
using Versus.Frames;

namespace Versus.Probe;

/// <summary>Sends frames of all sizes into one interface and compares what comes out of the other, both ways.</summary>
internal static class FrameProbe
{
    private const int Frames = 1000;
    private const int Window = 32;

    /// <summary>Runs in the peer's namespace.</summary>
    /// <returns>What is wrong, or null; and how many frames were compared.</returns>
    public static ProbeResult Run(ProbeEnds ends)
    {
        string? fault = Compare(ends.First, ends.Second, port: 1) ?? Compare(ends.Second, ends.First, port: 0);
        return new ProbeResult { Fault = fault, Frames = 2 * Frames };
    }

    private static string? Compare(IProbeEnd from, IProbeEnd to, int port)
    {
        IReadOnlyList<byte[]> sent = TestFrame.CreateMixed(Frames);
        var received = new List<byte[]>();
        var buffer = new byte[2048];
        int next = 0;
        long last = Stopwatch.GetTimestamp();
        // No more on the way than any queue holds; the last may get lost, hence the bound.
        while (received.Count < sent.Count && Stopwatch.GetElapsedTime(last).TotalSeconds < 1)
        {
            if (next < sent.Count && next - received.Count < Window && from.TrySend(sent[next]))
                next++;
            if (!to.TryReceive(buffer, out int length))
                continue;
            received.Add(buffer[..length]);
            last = Stopwatch.GetTimestamp();
        }

        return ForwardedFrames.FindFault(sent, received, port);
    }
}
