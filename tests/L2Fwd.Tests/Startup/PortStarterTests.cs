using Dataplane;
using Dataplane.Ports;
using L2Fwd.CommandLine;
using L2Fwd.Startup;

namespace L2Fwd.Tests.Startup;

public class PortStarterTests
{
    [Fact]
    public void Ports_of_the_mask_run_and_others_are_skipped()
    {
        using var texts = new Texts();
        using DataplaneRuntime runtime = TestRuntime.Create("net_null0", "net_null1");

        IReadOnlyList<Port> ports = new PortStarter(runtime, texts.Output, new L2FwdOptions { Promiscuous = true })
            .Start(new PortPlan(2, [new PortPair(1, 1)]), lcores: 1);

        Assert.Equal([runtime.Ports[1]], ports);
        Assert.Equal(PortState.Started, ports[0].State);
        Assert.True(ports[0].Promiscuous);
        Assert.Equal(PortState.Created, runtime.Ports[0].State);
        Assert.Equal(
            $"Skipping disabled port 0\nInitializing port 1... done: \nPort 1, MAC address: {ports[0].MacAddress}\n\n",
            texts.Text);
    }

    [Fact]
    public void Without_a_port_in_the_mask_the_mask_of_all_is_proposed()
    {
        using var texts = new Texts();
        using DataplaneRuntime runtime = TestRuntime.Create("net_null0", "net_null1", "net_null2");

        ExitException thrown = Assert.Throws<ExitException>(
            () => new PortStarter(runtime, texts.Output, new L2FwdOptions()).Start(new PortPlan(0, []), lcores: 0));

        Assert.Equal("All available ports are disabled. Please set portmask.", thrown.Message);
        Assert.Contains("-p 7", thrown.Remedy, StringComparison.Ordinal);
        Assert.Equal("Skipping disabled port 0\nSkipping disabled port 1\nSkipping disabled port 2\n", texts.Text);
    }

    [Fact]
    public void Rx_interrupts_are_refused_for_a_port_that_has_none()
    {
        using var texts = new Texts();
        using DataplaneRuntime runtime = TestRuntime.Create("net_null0");

        ExitException thrown = Assert.Throws<ExitException>(
            () => new PortStarter(runtime, texts.Output, new L2FwdOptions { RxInterrupt = true })
                .Start(new PortPlan(1, [new PortPair(0, 0)]), lcores: 1));

        Assert.Equal("Port 0 (net_null0) has no rx interrupts, which --rx-interrupt needs", thrown.Message);
        Assert.Equal(PortState.Created, runtime.Ports[0].State);
    }
}
