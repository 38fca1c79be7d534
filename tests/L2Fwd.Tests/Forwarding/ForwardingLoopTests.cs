using Dataplane;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev;
using L2Fwd.Forwarding;

namespace L2Fwd.Tests.Forwarding;

public sealed class ForwardingLoopTests : IDisposable
{
    private const int RingSize = 64;
    private readonly DataplaneRuntime _runtime;
    private readonly Mempool _pool;

    public ForwardingLoopTests()
    {
        // The loop: what is sent on port 0 is received on it. Port 1 takes only some packets, port 2 keeps all.
        _runtime = TestRuntime.Create(
            [.. SoftwarePorts.All, new NarrowDriver(), new KeepDriver()], "net_ring0", "net_narrow1", "net_keep2");
        _pool = _runtime.CreateMempool(new MempoolOptions());
        foreach (Port port in _runtime.Ports)
        {
            port.Configure(new PortConfiguration(_pool));
            port.Start();
        }
    }

    public void Dispose() => _runtime.Dispose();

    [Fact]
    public void Packets_that_a_port_does_not_take_are_freed_and_counted_as_dropped()
    {
        Inject(RingSize, length: 64);
        var route = new Route(_runtime.Ports[0], _runtime.Ports[1], updateMac: true);

        Forward(route, packets: RingSize);

        Assert.Equal((ulong)RingSize, route.Statistics.Received);
        Assert.Equal(2UL * NarrowTxQueue.TakesOfEachBurst, route.Statistics.Sent);
        Assert.Equal(RingSize - (2UL * NarrowTxQueue.TakesOfEachBurst), route.Statistics.Dropped);
        Assert.Equal(_pool.Capacity, _pool.Statistics.Available);
    }

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 64)]
    [InlineData(true, 12)]
    [InlineData(true, 11)]
    public void Addresses_are_rewritten_if_asked_and_if_the_frame_has_any(bool updateMac, int length)
    {
        Inject(1, length);
        var route = new Route(_runtime.Ports[0], _runtime.Ports[2], updateMac);

        Forward(route, packets: 1);

        byte[] expected = [.. Enumerable.Range(0, length).Select(i => (byte)i)];
        if (updateMac && length >= 2 * MacAddress.Length)
        {
            new byte[] { 2, 0, 0, 0, 0, 2 }.CopyTo(expected, 0);
            _runtime.Ports[2].MacAddress.CopyTo(expected.AsSpan(MacAddress.Length));
        }

        Assert.Equal([expected], ((KeepTxQueue)_runtime.Ports[2].TxQueues[0]).Kept);
    }

    [Fact]
    public void Time_with_packets_is_busy_and_time_without_is_idle()
    {
        var route = new Route(_runtime.Ports[0], _runtime.Ports[0], updateMac: false);
        Inject(1, length: 64);

        // The packet goes round and round on its ring: every round finds it.
        LcoreTime busy = Forward(route, packets: 1000);
        _ = _runtime.Ports[0].RxQueues[0].Receive(new Packet[1]);
        LcoreTime idle = Forward(route, packets: 0);

        Assert.True(busy.Busy > 0);
        Assert.Equal(0, idle.Busy);
        Assert.True(idle.Idle > 0);
    }

    private LcoreTime Forward(Route route, ulong packets)
    {
        var loop = new ForwardingLoop([route], new LcoreStatistics());
        ulong before = route.Statistics.Received;
        using var stop = new CancellationTokenSource();
        var lcore = new Thread(() => loop.Run(stop.Token));
        lcore.Start();
        SpinWait.SpinUntil(() => route.Statistics.Received >= before + packets && loop.Statistics.Read() != default);
        stop.Cancel();
        lcore.Join();
        return loop.Statistics.Read();
    }

    private void Inject(int count, int length)
    {
        for (int i = 0; i < count; i++)
        {
            Assert.True(_pool.TryAllocate(out Packet packet));
            Assert.True(packet.TryAppend(length, out Span<byte> frame));
            for (int octet = 0; octet < length; octet++)
                frame[octet] = (byte)octet;
            Assert.Equal(1, _runtime.Ports[0].TxQueues[0].Send([packet]));
        }
    }

    private sealed class NarrowDriver : IVdevDriver
    {
        public string Name => "net_narrow";

        public IReadOnlyList<DevargKey> Keys => [];

        public Port Create(PortContext context, Devargs arguments) =>
            new SendOnlyPort(context, queue => new NarrowTxQueue(queue));
    }

    private sealed class KeepDriver : IVdevDriver
    {
        public string Name => "net_keep";

        public IReadOnlyList<DevargKey> Keys => [];

        public Port Create(PortContext context, Devargs arguments) =>
            new SendOnlyPort(context, queue => new KeepTxQueue(queue));
    }

    private sealed class SendOnlyPort(PortContext context, Func<TxQueueContext, TxQueue> makeQueue)
        : Port(context, new PortCapabilities(), MacAddress.CreateRandom())
    {
        protected override RxQueue CreateRxQueue(RxQueueContext context) => new EmptyRxQueue(context);

        protected override TxQueue CreateTxQueue(TxQueueContext context) => makeQueue(context);
    }

    private sealed class EmptyRxQueue(RxQueueContext context) : RxQueue(context)
    {
        public override int Receive(Span<Packet> burst) => 0;
    }

    private sealed class NarrowTxQueue(TxQueueContext context) : TxQueue(context)
    {
        public const int TakesOfEachBurst = 5;

        public override int Send(ReadOnlySpan<Packet> burst)
        {
            Packet.Free(burst[..TakesOfEachBurst]);
            return TakesOfEachBurst;
        }
    }

    private sealed class KeepTxQueue(TxQueueContext context) : TxQueue(context)
    {
        public List<byte[]> Kept { get; } = [];

        public override int Send(ReadOnlySpan<Packet> burst)
        {
            foreach (Packet packet in burst)
                Kept.Add(packet.Data.ToArray());
            Packet.Free(burst);
            return burst.Length;
        }
    }
}
