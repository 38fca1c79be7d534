using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;

namespace L2Fwd.Forwarding;

/// <summary>What one lcore does all day: take a burst from each of its ports and send it on at once.</summary>
/// <param name="routes">What it forwards; their ports run.</param>
/// <param name="statistics">What it counts.</param>
/// <param name="sleeps">Whether it sleeps while nothing comes; all sources have rx interrupts then.</param>
internal sealed class ForwardingLoop(IReadOnlyList<Route> routes, LcoreStatistics statistics, bool sleeps = false)
{
    /// <summary>Packets that are taken and sent at a time; DPDK's MAX_PKT_BURST.</summary>
    public const int BurstSize = 32;

    /// <summary>Rounds without packets before it sleeps: some ten microseconds, within which the next packet comes cheaper by polling.</summary>
    private const int RoundsBeforeSleep = 300;

    /// <summary>Longest sleep: how late the end of the program may be noticed.</summary>
    private static readonly TimeSpan s_longestSleep = TimeSpan.FromMilliseconds(100);

    /// <summary>What shall be forwarded; the control plane writes it.</summary>
    private Work _wanted = new([.. routes], sleeps);

    /// <summary>What the lcore forwards, which writes it; null while it does not run.</summary>
    private Work? _taken;

    /// <summary>What the lcore has counted.</summary>
    public LcoreStatistics Statistics => statistics;

    /// <summary>Whether nothing is left to forward.</summary>
    public bool HasNothingToDo => _wanted.Routes.Length == 0;

    /// <summary>Forwards until it is cancelled, up to the end of a burst, or until no port is left.</summary>
    public void Run(CancellationToken stopped)
    {
        // Before it looks at what is wanted: Leave, which writes and then looks here, misses no lcore that has not seen it.
        Interlocked.Exchange(ref _taken, Work.None);
        try
        {
            Forward(stopped);
        }
        finally
        {
            Volatile.Write(ref _taken, null);
        }
    }

    /// <summary>
    /// Forwards nothing from a port any more, and drops what would go there. Behind it the lcore touches no queue of the port.
    /// Only one thread at a time, and not the lcore.
    /// </summary>
    public void Leave(Port port)
    {
        Route[] left =
        [
            .. _wanted.Routes.Where(route => route.Source != port)
                .Select(route => route.Destination == port ? route with { Tx = null } : route),
        ];
        var wanted = new Work(left, sleeps);
        Interlocked.Exchange(ref _wanted, wanted);
        while (Volatile.Read(ref _taken) is { } taken && taken != wanted)
            Thread.Sleep(1);
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
        int sent = route.Tx is { } tx ? tx.Send(packets) : 0;
        if (sent != received)
            Packet.Free(packets[sent..]);
        route.Statistics.Count(received, sent);
        return received;
    }

    /// <summary>Nothing in here allocates or throws, and it waits only if it may sleep.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Forward(CancellationToken stopped)
    {
        Span<Packet> burst = stackalloc Packet[BurstSize];
        Work work = Work.None;
        int emptyRounds = 0;
        statistics.Start();
        while (!stopped.IsCancellationRequested)
        {
            Work wanted = Volatile.Read(ref _wanted);
            if (wanted != work)
            {
                work = wanted;
                Volatile.Write(ref _taken, work); // behind the last access to the queues of the work before
                if (work.Routes.Length == 0)
                    return;
            }

            int forwarded = 0;
            foreach (Route route in work.Routes)
                forwarded += Forward(route, burst);
            statistics.RoundDone(busy: forwarded != 0);
            if (forwarded != 0)
                emptyRounds = 0;
            else if (work.Waiter is { } waiter && ++emptyRounds > RoundsBeforeSleep)
            {
                waiter.Wait(s_longestSleep);
                statistics.RoundDone(busy: false);
            }
        }
    }

    /// <summary>What is forwarded until something else is wanted.</summary>
    private sealed class Work(Route[] routes, bool sleeps)
    {
        public static readonly Work None = new([], sleeps: false);

        public Route[] Routes { get; } = routes;

        /// <summary>Where the lcore sleeps; null if it does not.</summary>
        public RxWaiter? Waiter { get; } = sleeps ? new RxWaiter(routes.Select(route => route.Rx)) : null;
    }
}
