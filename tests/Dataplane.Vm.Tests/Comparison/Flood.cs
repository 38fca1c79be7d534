using System.Diagnostics;
using Dataplane.Testing;
using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>As many short frames as two ports forward, in both directions.</summary>
internal sealed class Flood(Guest guest)
{
    private const int FrameLength = 60;
    private const int Batch = 32;

    // Frames under way in each direction: enough to keep both sides busy, and no more than their rings hold.
    private const int Window = 256;
    private static readonly TimeSpan s_lost = TimeSpan.FromSeconds(0.3);

    private readonly int[] _underWay = new int[2];
    private long _received;

    /// <summary>Floods for a while.</summary>
    /// <returns>Frames per second that came out, of both ports.</returns>
    public double Run(TimeSpan duration)
    {
        byte[][] frames = [.. guest.Nics.Select(nic => Traffic.FrameFor(nic.MacAddress, FrameLength))];
        long start = Stopwatch.GetTimestamp();
        long last = start;
        TimeSpan elapsed;
        while ((elapsed = Stopwatch.GetElapsedTime(start)) < duration)
        {
            for (int from = 0; from < 2; from++)
            {
                for (; _underWay[from] <= Window - Batch; _underWay[from] += Batch)
                    guest.Wires[from].Send(frames[from], Batch);
                if (Take(from ^ 1, ref _underWay[from]))
                    last = Stopwatch.GetTimestamp();
            }

            // What a full ring has dropped does not come any more.
            if (Stopwatch.GetElapsedTime(last) > s_lost)
                Array.Clear(_underWay);
        }

        double rate = _received / elapsed.TotalSeconds;
        Drain(guest);
        return rate;
    }

    /// <summary>Takes what is still under way, or whoever uses the wires next would find it.</summary>
    public static void Drain(Guest guest)
    {
        long last = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(last) < s_lost)
        {
            for (int port = 0; port < 2; port++)
            {
                if (guest.Wires[port].TryReceive() is not null)
                    last = Stopwatch.GetTimestamp();
            }
        }
    }

    private bool Take(int port, ref int underWay)
    {
        long before = _received;
        for (; guest.Wires[port].TryReceive() is not null; _received++)
            underWay--;
        return _received != before;
    }
}
