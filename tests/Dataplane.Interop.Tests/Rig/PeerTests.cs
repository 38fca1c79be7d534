using System.Diagnostics;
using Dataplane.Testing;
using Dataplane.Testing.Programs;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>What every kind of port must do with testpmd at its other end.</summary>
public abstract class PeerTests : IClassFixture<PeerHugepages>, IDisposable
{
    /// <summary>How often testpmd may crash within a test, by a defect of its own.</summary>
    private const int MostCrashes = 10;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();

    /// <inheritdoc/>
    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>We start first, and frames of all sizes go through both ports of testpmd, in both directions.</summary>
    protected void ExchangeFramesOfAllSizes(Pairing pairing)
    {
        using var ours = OwnPorts.Start(pairing.OursIn(_folder), pairing.Queues);
        using TestPmd theirs = StartPeer(pairing, "io");
        Exchange(ours, pairing, step: 1);
    }

    /// <summary>As <see cref="ExchangeFramesOfAllSizes"/>, but testpmd starts first, and not all sizes are there.</summary>
    protected void ExchangeFramesWithWaitingPeer(Pairing pairing)
    {
        using TestPmd theirs = StartPeer(pairing, "io");
        using var ours = OwnPorts.Start(pairing.OursIn(_folder), pairing.Queues);
        if (pairing.TheyConnectOnce)
            theirs.RestartPorts();
        Exchange(ours, pairing, step: 37);
    }

    /// <summary>Our l2fwd is killed while testpmd sends and receives, and starts anew, again and again.</summary>
    protected void KillUs(Pairing pairing, int rounds)
    {
        // It is there first: a front end of DPDK that listens does not start before somebody has come.
        ConsoleProcess ours = OurL2Fwd.Start(pairing.OursIn(_folder));
        TestPmd? theirs = null;
        try
        {
            theirs = StartPeer(pairing, "flowgen");
            WaitForTraffic(ours, theirs);
            int crashes = 0;
            for (int round = 0; round < rounds; round++)
            {
                ours.Dispose();
                ours = OurL2Fwd.Start(pairing.OursIn(_folder));
                try
                {
                    if (pairing.TheyConnectOnce)
                        theirs.RestartPorts();
                    WaitForTraffic(ours, theirs);
                }
                catch (Exception e) when (theirs.Console.HasExited && e is IOException or ProgramException)
                {
                    // The lcore of a net_memif of DPDK 22.11 may still be in the memory that its control thread unmaps when we vanish.
                    Assert.InRange(++crashes, 1, MostCrashes);
                    theirs.Dispose();
                    theirs = StartPeer(pairing, "flowgen");
                    WaitForTraffic(ours, theirs);
                }
            }
        }
        finally
        {
            ours.Dispose();
            theirs?.Dispose();
        }
    }

    /// <summary>
    /// testpmd is killed while it sends and receives, and starts anew, again and again. Our l2fwd forwards whenever it is
    /// there, keeps nothing of what is gone, and ends in an orderly way.
    /// </summary>
    protected void KillThem(Pairing pairing, int rounds)
    {
        using ConsoleProcess ours = OurL2Fwd.Start(pairing.OursIn(_folder));
        int descriptors = 0;
        for (int round = 0; round <= rounds; round++)
        {
            using TestPmd theirs = StartPeer(pairing, "flowgen");
            WaitForTraffic(ours, theirs);
            // What stays open since the first peer has gone, such as the way to the log, is there from the second one on.
            if (round <= 1)
                descriptors = Math.Max(descriptors, ours.CountDescriptors());
            else
                WaitForDescriptors(ours, descriptors);
            theirs.Console.Kill();
        }

        Assert.Equal(0, ours.Interrupt());
    }

    /// <summary>Waits until a program has no more descriptors than that: those of a peer that is gone may go a moment after it.</summary>
    private static void WaitForDescriptors(ConsoleProcess ours, int most)
    {
        long start = Stopwatch.GetTimestamp();
        while (ours.CountDescriptors() > most)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"l2fwd keeps {ours.CountDescriptors()} descriptors open, and had {most}: {ours.Output}");
            Thread.Sleep(10);
        }
    }

    /// <summary>Waits until testpmd has received some frames at both ports since now.</summary>
    private static void WaitForTraffic(ConsoleProcess ours, TestPmd theirs)
    {
        const int Frames = 100;
        IReadOnlyList<long> before = theirs.Read("RX-packets:");
        long start = Stopwatch.GetTimestamp();
        while (theirs.Read("RX-packets:").Zip(before, (now, then) => now - then).Any(count => count < Frames))
        {
            Assert.False(ours.HasExited, $"l2fwd ended: {ours.Output}");
            Assert.True(Stopwatch.GetElapsedTime(start) < s_patience, $"no frames came back through l2fwd: {ours.Output}\n{theirs.Console.Output}");
            Thread.Sleep(10);
        }
    }

    private static void Exchange(OwnPorts ours, Pairing pairing, int step)
    {
        ours.WaitForLinks();
        int[] lengths = [.. Enumerable.Range(60, pairing.LongestFrame - 59).Where(length => length % step == 0)];
        FrameExchange.Run(ours, from: 0, to: 1, pairing.Queues, lengths);
        FrameExchange.Run(ours, from: 1, to: 0, pairing.Queues, lengths);
    }

    private TestPmd StartPeer(Pairing pairing, string mode)
    {
        if (pairing.TheyListen)
            Array.ForEach(Directory.GetFiles(_folder.FullName, "*.sock"), File.Delete);
        return TestPmd.Start(new TestPmdOptions(pairing.TheirsIn(_folder))
        {
            Mode = mode,
            Queues = pairing.Queues,
            // Of each port four rings full of posted buffers, and of sent ones, each in up to five pieces; flowgen sends one.
            Mbufs = mode == "io" ? 32768 : 8192,
            Options = pairing.Options,
        });
    }
}
