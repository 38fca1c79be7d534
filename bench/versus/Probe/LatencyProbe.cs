using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Versus.Frames;

namespace Versus.Probe;

/// <summary>
/// Sends a frame now and then into one end and takes the time until it comes out of the other. One thread sends and
/// polls, so the time includes its own sending call, a few microseconds, the same for every program.
/// </summary>
/// <remarks>
/// Frames go at random times (half to one and a half of the mean interval), not when the last one is back: a program that
/// sends at fixed times would otherwise be asked just after it did, each time.
/// </remarks>
internal sealed class LatencyProbe(IProbeEnd from, IProbeEnd to, int framesPerSecond)
{
    private const int FrameLength = 64;

    /// <summary>Frames whose departure is remembered; more are not under way. A power of two.</summary>
    private const int Remembered = 1 << 16;

    private static readonly double s_nanosecondsPerTick = 1e9 / Stopwatch.Frequency;

    /// <summary>Runs in the peer's namespace.</summary>
    /// <returns>Round trips in nanoseconds, and how many frames did not come back.</returns>
    public static ProbeResult Run(ProbeEnds ends, int framesPerSecond, TimeSpan duration)
    {
        var probe = new LatencyProbe(ends.First, ends.Second, framesPerSecond);
        // What is only now compiled and touched shall not be measured.
        probe.Measure(framesPerSecond);
        return probe.Measure((int)(framesPerSecond * duration.TotalSeconds));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private ProbeResult Measure(int frames)
    {
        var sentAt = new long[Remembered];
        var roundTrips = new RoundTrips();
        var random = new Random(1);
        byte[] frame = TestFrame.Create(0, FrameLength);
        var buffer = new byte[2048];
        long interval = Stopwatch.Frequency / framesPerSecond;
        long next = Stopwatch.GetTimestamp();
        long end = long.MaxValue;
        int sent = 0;
        while (roundTrips.Count < frames)
        {
            long now = Stopwatch.GetTimestamp();
            if (sent < frames && now >= next)
            {
                BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(TestFrame.NumberOffset), sent);
                sentAt[sent & (Remembered - 1)] = now;
                if (from.TrySend(frame))
                    sent++;
                next = now + (interval / 2) + random.NextInt64(interval);
                end = sent == frames ? now + Stopwatch.Frequency : end;
            }
            else if (now > end)
            {
                break;
            }

            if (!to.TryReceive(buffer, out int length) || !TestFrame.Is(buffer.AsSpan(0, length)))
                continue;
            int number = BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(TestFrame.NumberOffset));
            roundTrips.Add((int)((Stopwatch.GetTimestamp() - sentAt[number & (Remembered - 1)]) * s_nanosecondsPerTick));
        }

        return new ProbeResult { Frames = frames, Lost = frames - roundTrips.Count, RoundTrips = roundTrips.Counts };
    }
}
