using System.Runtime.CompilerServices;
using Dataplane.Packets;

namespace L2Fwd.Forwarding;

/// <summary>What one lcore does all day: take a burst from each of its ports and send it on at once.</summary>
internal sealed class ForwardingLoop(IReadOnlyList<Route> routes, LcoreStatistics statistics)
{
    /// <summary>Packets that are taken and sent at a time; DPDK's MAX_PKT_BURST.</summary>
    public const int BurstSize = 32;

    private readonly Route[] _routes = [.. routes];

    /// <summary>What the lcore has counted.</summary>
    public LcoreStatistics Statistics => statistics;

    /// <summary>Forwards until it is cancelled, up to the end of a burst. Nothing in here allocates, waits or throws.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(CancellationToken stopped)
    {
        Span<Packet> burst = stackalloc Packet[BurstSize];
        statistics.Start();
        while (!stopped.IsCancellationRequested)
        {
            int forwarded = 0;
            foreach (Route route in _routes)
                forwarded += Forward(route, burst);
            statistics.RoundDone(busy: forwarded != 0);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static int Forward(Route route, Span<Packet> burst)
    {
        int received = route.Rx.Receive(burst);
        if (received == 0)
            return 0;
        Span<Packet> packets = burst[..received];
        if (route.Rewrite is { } rewrite)
            rewrite.Apply(packets);
        int sent = route.Tx.Send(packets);
        if (sent != received)
            Packet.Free(packets[sent..]);
        route.Statistics.Count(received, sent);
        return received;
    }
}
