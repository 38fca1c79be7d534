using Dataplane;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using L2Fwd.Forwarding;

namespace L2Fwd.Tests;

/// <summary>Two ports that forward to each other, each on a thread of its own, which runs from the start.</summary>
internal sealed class WakingForwarding : IDisposable
{
    private readonly DataplaneRuntime _runtime = TestRuntime.Create([new WakingDriver()], "net_waking0", "net_waking1");
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread[] _threads;

    public WakingForwarding(bool sleeps = false)
    {
        Pool = _runtime.CreateMempool(new MempoolOptions());
        foreach (Port port in _runtime.Ports)
        {
            port.Configure(new PortConfiguration(Pool) { RxInterrupts = sleeps });
            port.Start();
        }

        Lcores = [MakeLcore(0, sleeps), MakeLcore(1, sleeps)];
        _threads = [.. Lcores.Select(lcore => new Thread(() => lcore.Loop.Run(_stop.Token)))];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    public Mempool Pool { get; }

    public IReadOnlyList<ForwardingLcore> Lcores { get; }

    public WakingPort Port(int id) => (WakingPort)_runtime.Ports[id];

    public RouteStatistics From(int port) => Lcores[port].Routes[0].Statistics;

    /// <summary>Lets a packet arrive and waits until it was forwarded, or dropped.</summary>
    public void Arrive(int port)
    {
        ulong before = From(port).Received;
        Assert.True(Pool.TryAllocate(out Packet packet));
        Assert.True(packet.TryAppend(60, out _));
        Port(port).Rx.Arrive(packet);
        Eventually(() => From(port).Received > before);
    }

    public static void Eventually(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(30)));

    public void Dispose()
    {
        _stop.Cancel();
        foreach (Thread thread in _threads)
            thread.Join();
        _runtime.Dispose();
        _stop.Dispose();
    }

    private ForwardingLcore MakeLcore(int from, bool sleeps)
    {
        Route[] routes = [new Route(_runtime.Ports[from], _runtime.Ports[1 - from], updateMac: true)];
        return new ForwardingLcore(
            new Lcore(from, 0, new CpuSet([0]), IsMain: from == 0), routes, new ForwardingLoop(routes, new LcoreStatistics(), sleeps));
    }
}
