using System.Globalization;
using System.Runtime.CompilerServices;

namespace Dataplane.Benchmarks.Peers;

/// <summary>
/// Cycles per packet that a port with a peer takes to receive and to send on, for each end of a pair of ours: with both
/// ends on one CPU, which is the work alone, and with the peer on another CPU, which adds the way of the cache lines. Of
/// many repeats the best counts: a busy machine disturbs only some.
/// </summary>
internal static class PeerCycleTable
{
    private const int Repeats = 31;
    private const int PacketsPerRepeat = 1 << 15;

    /// <summary>Frames on their way; each ring holds four times as many.</summary>
    private const int Frames = 256;

    private const int PeerBurst = 32;

    private static readonly (string Name, string[] Vdevs)[] s_pairs =
    [
        ("vhost, virtio-user split", ["net_vhost0,iface=DIR/sock", "net_virtio_user0,path=DIR/sock,queue_size=1024,in_order=1"]),
        ("vhost, virtio-user packed", ["net_vhost0,iface=DIR/sock", "net_virtio_user0,path=DIR/sock,queue_size=1024,packed_vq=1"]),
        ("memif server, client", ["net_memif0,role=server,socket=DIR/sock", "net_memif1,role=client,socket=DIR/sock"]),
    ];

    /// <param name="output">Gets the table.</param>
    /// <param name="filter">What is in the names of the pairs to measure.</param>
    public static void Print(TextWriter output, string filter)
    {
        output.WriteLine($"{"pair",-28} {"end",-12} {"bytes",5} {"burst",5}  cycles/packet: one CPU  two CPUs (best, median, full bursts)");
        foreach ((string name, string[] vdevs) in s_pairs.Where(pair => pair.Name.Contains(filter, StringComparison.Ordinal)))
        {
            foreach (int side in (int[])[0, 1])
            {
                foreach (int length in (int[])[64, 1518])
                {
                    foreach (int burst in (int[])[1, 32])
                    {
                        string end = vdevs[side][..vdevs[side].IndexOf(',', StringComparison.Ordinal)];
                        double alone = MeasureOnOneCpu(vdevs, side, length, burst);
                        (double best, double median, double full) = MeasureOnTwoCpus(vdevs, side, length, burst);
                        output.WriteLine(string.Create(
                            CultureInfo.InvariantCulture,
                            $"{name,-28} {end,-16} {length,5} {burst,5} {alone,20:F1} {best,10:F1} {median,7:F1} {full,6:P0}"));
                    }
                }
            }
        }
    }

    private static double MeasureOnOneCpu(string[] vdevs, int side, int length, int burst)
    {
        using var pair = new PeerPair(vdevs);
        pair.Enter(side, 0);
        pair.Inject(side, Frames, length);
        double best = double.MaxValue;
        for (int i = 0; i < Repeats; i++)
            best = Math.Min(best, Alternate(pair.Sides[side], pair.Sides[1 - side], burst));
        return best;
    }

    private static (double Best, double Median, double Full) MeasureOnTwoCpus(string[] vdevs, int side, int length, int burst)
    {
        using var pair = new PeerPair(vdevs);
        pair.Enter(side, 0);
        pair.Inject(side, Frames, length);
        bool isStopping = false;
        var peer = new Thread(() =>
        {
            pair.Enter(1 - side, 1);
            while (!Volatile.Read(ref isStopping))
                pair.Sides[1 - side].Forward(PeerBurst);
        });
        peer.Start();
        var cycles = new double[Repeats];
        double full = 0;
        for (int i = 0; i < Repeats; i++)
        {
            cycles[i] = Forward(pair.Sides[side], burst, out double fullBursts);
            full += fullBursts / Repeats;
        }

        Volatile.Write(ref isStopping, true);
        peer.Join();
        Array.Sort(cycles);
        return (cycles[0], cycles[Repeats / 2], full);
    }

    /// <summary>Both sides in turn; only one of them is measured.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Alternate(PeerSide side, PeerSide peer, int burst)
    {
        ulong cycles = 0;
        int packets = 0;
        while (packets < PacketsPerRepeat)
        {
            int peers;
            do
            {
                peers = peer.Forward(PeerBurst);
            }
            while (peers == PeerBurst);
            ulong start = CycleClock.Now;
            int received;
            do
            {
                received = side.Forward(burst);
                packets += received;
            }
            while (received == burst);
            cycles += CycleClock.Now - start;
        }

        return (double)cycles / packets;
    }

    /// <summary>One side, as long as it has something to do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Forward(PeerSide side, int burst, out double fullBursts)
    {
        ulong cycles = 0;
        int packets = 0, polls = 0, full = 0;
        ulong start = CycleClock.Now;
        while (packets < PacketsPerRepeat)
        {
            int received = side.Forward(burst);
            ulong now = CycleClock.Now;
            if (received != 0)
            {
                cycles += now - start;
                polls++;
            }

            start = now;
            packets += received;
            full += received == burst ? 1 : 0;
        }

        fullBursts = (double)full / polls;
        return (double)cycles / packets;
    }
}
