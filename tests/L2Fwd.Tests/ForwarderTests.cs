using Dataplane;
using Dataplane.Ports;
using Dataplane.Testing;
using L2Fwd.CommandLine;
using L2Fwd.Shutdown;

namespace L2Fwd.Tests;

public sealed class ForwarderTests
{
    [Fact]
    public void A_port_that_is_not_used_is_given_back_when_the_host_wants_it()
    {
        using var texts = new Texts();
        using var logger = new RecordingLogger();
        using var stop = new StopSignals(texts.Output);
        using DataplaneRuntime runtime = TestRuntime.Create([new WakingDriver()], "net_waking0", "net_waking1");
        var forwarder = new Forwarder(runtime, new L2FwdOptions { PortMask = 1 }, texts.Output, logger);
        var thread = new Thread(() => forwarder.Run(stop));
        thread.Start();

        ((WakingPort)runtime.Ports[1]).RequestRemoval();

        WakingForwarding.Eventually(() => runtime.Ports[1].State == PortState.Closed);
        stop.Request();
        thread.Join();
    }
}
