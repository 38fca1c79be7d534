using Dataplane;
using Dataplane.Lcores;
using L2Fwd.Forwarding;
using L2Fwd.Statistics;

namespace L2Fwd.Tests;

/// <summary>Neighbouring ports that forward to each other, all on one lcore, and their statistics.</summary>
internal sealed class TestForwarding : IDisposable
{
    private readonly DataplaneRuntime _runtime;

    public TestForwarding(params string[] vdevs)
    {
        _runtime = TestRuntime.Create(vdevs);
        TestRuntime.StartPorts(_runtime);
        Route[] routes =
            [.. _runtime.Ports.Select(port => new Route(port, _runtime.Ports[port.Id ^ 1], updateMac: true))];
        Loop = new ForwardingLoop(routes, new LcoreStatistics());
        var lcore = new Lcore(3, 0, new CpuSet([3]), IsMain: true);
        Source = new StatisticsSource(_runtime.Ports, [new ForwardingLcore(lcore, routes, Loop)]);
        Earlier = Capture();
    }

    public ForwardingLoop Loop { get; }

    public StatisticsSource Source { get; }

    /// <summary>Before anything was forwarded.</summary>
    public StatisticsSnapshot Earlier { get; }

    public StatisticsSnapshot Capture()
    {
        var snapshot = new StatisticsSnapshot(Source.Ports.Count, Source.Lcores.Count);
        snapshot.Capture(Source);
        return snapshot;
    }

    /// <summary>Forwards in the background until the ports have received some packets.</summary>
    public void Forward(ulong packets)
    {
        using var stop = new CancellationTokenSource();
        var lcore = new Thread(() => Loop.Run(stop.Token));
        lcore.Start();
        SpinWait.SpinUntil(() => Capture().Total.Received >= packets);
        stop.Cancel();
        lcore.Join();
    }

    public void Dispose() => _runtime.Dispose();
}
