using Dataplane;
using Dataplane.Packets;
using Dataplane.Ports;
using L2Fwd.Shutdown;
using L2Fwd.Startup;

namespace L2Fwd.Tests.Startup;

public class LinkWaitTests
{
    [Fact]
    public void Links_that_are_up_are_not_waited_for()
    {
        using DataplaneRuntime runtime = TestRuntime.Create("net_null0", "net_null1");
        TestRuntime.StartPorts(runtime);

        Assert.Equal(
            "\nChecking link statusdone\nPort 0 Link up at 10 Gbps FDX Fixed\nPort 1 Link up at 10 Gbps FDX Fixed\n",
            Wait(runtime));
    }

    [Fact]
    public void A_link_that_comes_up_later_costs_a_dot_for_each_look()
    {
        using DataplaneRuntime runtime = TestRuntime.Create([new SlowDriver(upAfter: 4)], "net_slow0");

        Assert.Equal("\nChecking link status...done\nPort 0 Link up at 10 Gbps FDX Fixed\n", Wait(runtime));
    }

    [Fact]
    public void After_ninety_looks_forwarding_starts_with_the_link_down()
    {
        using DataplaneRuntime runtime = TestRuntime.Create([new SlowDriver(upAfter: int.MaxValue)], "net_slow0");

        Assert.Equal($"\nChecking link status{new string('.', 90)}done\nPort 0 Link down\n", Wait(runtime));
    }

    [Fact]
    public void A_signal_ends_the_wait_and_the_links_are_not_listed()
    {
        using DataplaneRuntime runtime = TestRuntime.Create([new SlowDriver(upAfter: int.MaxValue)], "net_slow0");

        Assert.Equal("\nChecking link status.", Wait(runtime, stopped: true));
    }

    private static string Wait(DataplaneRuntime runtime, bool stopped = false)
    {
        using var texts = new Texts();
        using var stop = new StopSignals(texts.Output);
        if (stopped)
            stop.Request();
        new LinkWait(texts.Output, stop) { Pause = TimeSpan.Zero }.For(runtime.Ports);
        return texts.Text;
    }

    /// <summary>A port whose link is up when it has been asked a number of times.</summary>
    private sealed class SlowDriver(int upAfter) : IVdevDriver
    {
        public string Name => "net_slow";

        public IReadOnlyList<DevargKey> Keys => [];

        public Port Create(PortContext context, Devargs arguments) => new SlowPort(context, upAfter);
    }

    private sealed class SlowPort(PortContext context, int upAfter)
        : Port(context, new PortCapabilities(), MacAddress.CreateRandom())
    {
        private int _asked;

        protected override LinkStatus ReadLink() => ++_asked >= upAfter ? LinkStatus.VirtualUp : LinkStatus.Down;

        protected override RxQueue CreateRxQueue(RxQueueContext context) => throw new NotSupportedException();

        protected override TxQueue CreateTxQueue(TxQueueContext context) => throw new NotSupportedException();
    }
}
