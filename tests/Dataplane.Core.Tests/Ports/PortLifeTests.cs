using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed class PortLifeTests
{
    private static readonly string[] TwoAndOneMade = ["OnConfigure", "rx0 made", "rx1 made", "tx0 made"];

    [Fact]
    public void A_port_is_configured_started_stopped_and_closed_in_this_order()
    {
        using var test = new TestRuntime();
        Assert.Equal(PortState.Created, test.Port.State);
        test.Port.Configure(test.Configuration(rxQueues: 2, txQueues: 1));
        Assert.Equal(PortState.Stopped, test.Port.State);
        test.Port.Start();
        Assert.Equal(PortState.Started, test.Port.State);
        test.Port.Stop();
        Assert.Equal(PortState.Stopped, test.Port.State);
        test.Port.Start();
        test.Port.Dispose();
        test.Port.Dispose();

        Assert.Equal(PortState.Closed, test.Port.State);
        Assert.Equal(
            ["Create:net_test0", .. TwoAndOneMade, "OnStart", "OnStop", "OnStart", "OnStop", "rx0 disposed", "rx1 disposed", "tx0 disposed", "OnClose"],
            test.Calls);
    }

    [Fact]
    public void What_comes_at_the_wrong_time_is_refused()
    {
        using var test = new TestRuntime();
        PortConfiguration configuration = test.Configuration();
        Assert.Throws<InvalidOperationException>(test.Port.Start);
        test.Port.Stop();
        test.Port.Configure(configuration);
        test.Port.Start();
        Assert.Throws<InvalidOperationException>(test.Port.Start);
        Assert.Throws<InvalidOperationException>(() => test.Port.Configure(configuration));
        test.Port.Dispose();
        test.Calls.Clear();

        Assert.Throws<InvalidOperationException>(() => test.Port.Configure(configuration));
        Assert.Throws<InvalidOperationException>(test.Port.Start);
        Assert.Throws<InvalidOperationException>(() => test.Port.SetMtu(1500));
        Assert.Throws<InvalidOperationException>(() => test.Port.SetMacAddress(MacAddress.CreateRandom()));
        Assert.Throws<InvalidOperationException>(() => test.Port.Promiscuous = true);
        var error = Assert.Throws<InvalidOperationException>(() => test.Port.AllMulticast = true);
        Assert.Contains("Port 0 (net_test0) is Closed", error.Message, StringComparison.Ordinal);
        test.Port.Stop();
        Assert.Empty(test.Calls);
    }

    [Fact]
    public void A_new_configuration_replaces_the_queues_of_the_old_one()
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration(rxQueues: 1, txQueues: 1));
        RxQueue old = test.Port.RxQueues[0];
        test.Calls.Clear();
        test.Port.Configure(test.Configuration(rxQueues: 2, txQueues: 1));

        Assert.Equal(["rx0 disposed", "tx0 disposed", .. TwoAndOneMade], test.Calls);
        Assert.Equal((2, 1), (test.Port.RxQueues.Count, test.Port.TxQueues.Count));
        Assert.NotSame(old, test.Port.RxQueues[0]);
        Assert.Equal([0, 1], test.Port.RxQueues.Select(queue => queue.Index));
    }

    [Theory]
    [InlineData(4, 1, "Port 0 (net_test0) cannot have 4 rx queues: the device has 3")]
    [InlineData(1, 3, "Port 0 (net_test0) cannot have 3 tx queues: the device has 2")]
    [InlineData(-1, 1, "Port 0 (net_test0) cannot have -1 rx queues: the device has 3")]
    public void More_queues_than_the_device_has_are_refused_and_the_old_ones_stay(int rx, int tx, string message)
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration());

        Assert.Equal(message, Assert.Throws<DataplaneException>(() => test.Port.Configure(test.Configuration(rx, tx))).Message);
        Assert.Equal((PortState.Stopped, 1), (test.Port.State, test.Port.RxQueues.Count));
    }

    [Fact]
    public void A_port_may_have_no_queue_of_a_direction()
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration(rxQueues: 0, txQueues: 2));
        test.Port.Start();

        Assert.Equal((0, 2), (test.Port.RxQueues.Count, test.Port.TxQueues.Count));
    }

    [Theory]
    [InlineData("OnConfigure", "")]
    [InlineData("rx0 made", "")]
    [InlineData("rx1 made", "rx0 disposed")]
    [InlineData("tx0 made", "rx0 disposed,rx1 disposed")]
    [InlineData("tx1 made", "tx0 disposed,rx0 disposed,rx1 disposed")]
    public void A_configuration_that_fails_half_way_leaves_no_queues(string failing, string undone)
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration());
        test.Driver.Failing.Add(failing);
        test.Calls.Clear();
        Assert.Throws<DataplaneException>(() => test.Port.Configure(test.Configuration(rxQueues: 2, txQueues: 2)));

        string[] afterwards = [.. test.Calls.SkipWhile(call => call != failing).Skip(1)];
        Assert.Equal(undone.Split(',', StringSplitOptions.RemoveEmptyEntries), afterwards);
        Assert.Equal(PortState.Created, test.Port.State);
        Assert.Empty(test.Port.RxQueues);
        Assert.Empty(test.Port.TxQueues);
        Assert.Throws<InvalidOperationException>(test.Port.Start);

        test.Driver.Failing.Clear();
        test.Port.Configure(test.Configuration());
        test.Port.Start();
    }

    [Fact]
    public void A_start_that_fails_leaves_the_port_stopped_and_may_be_tried_again()
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration());
        test.Driver.Failing.Add("OnStart");
        Assert.Throws<DataplaneException>(test.Port.Start);
        Assert.Equal(PortState.Stopped, test.Port.State);

        test.Driver.Failing.Clear();
        test.Port.Start();
        Assert.Equal(PortState.Started, test.Port.State);
    }

    [Theory]
    [InlineData("OnStop")]
    [InlineData("rx0 disposed")]
    [InlineData("tx0 disposed")]
    [InlineData("OnClose")]
    public void Closing_goes_on_behind_a_step_that_fails(string failing)
    {
        using var test = new TestRuntime();
        test.Port.Configure(test.Configuration());
        test.Port.Start();
        test.Driver.Failing.Add(failing);
        test.Calls.Clear();

        var error = Assert.Throws<DataplaneException>(test.Port.Dispose);
        Assert.Equal(failing + " failed", error.Message);
        Assert.Equal(["OnStop", "rx0 disposed", "tx0 disposed", "OnClose"], test.Calls);
        Assert.Equal(PortState.Closed, test.Port.State);
        test.Port.Dispose();
        Assert.Equal(4, test.Calls.Count);
    }

    [Fact]
    public void Settings_that_the_device_refuses_stay_as_they_were()
    {
        using var test = new TestRuntime();
        MacAddress before = test.Port.MacAddress;
        test.Driver.Failing.UnionWith(["OnSetMacAddress", "OnSetMtu", "OnSetPromiscuous", "OnSetAllMulticast"]);
        Assert.Throws<DataplaneException>(() => test.Port.SetMacAddress(new MacAddress([2, 0, 0, 0, 0, 1])));
        Assert.Throws<DataplaneException>(() => test.Port.SetMtu(9000));
        Assert.Throws<DataplaneException>(() => test.Port.Promiscuous = true);
        Assert.Throws<DataplaneException>(() => test.Port.AllMulticast = true);
        Assert.Equal((before, 1500, false, false), (test.Port.MacAddress, test.Port.Mtu, test.Port.Promiscuous, test.Port.AllMulticast));

        test.Driver.Failing.Clear();
        test.Port.SetMacAddress(new MacAddress([2, 0, 0, 0, 0, 1]));
        test.Port.SetMtu(9000);
        test.Port.Promiscuous = true;
        test.Port.AllMulticast = true;
        Assert.Equal(
            (new MacAddress([2, 0, 0, 0, 0, 1]), 9000, true, true),
            (test.Port.MacAddress, test.Port.Mtu, test.Port.Promiscuous, test.Port.AllMulticast));
    }

    [Fact]
    public void Impossible_settings_do_not_reach_the_device()
    {
        using var test = new TestRuntime();
        test.Calls.Clear();

        Assert.EndsWith(
            "cannot have an MTU of 67 bytes: its range is 68 to 9000",
            Assert.Throws<DataplaneException>(() => test.Port.SetMtu(67)).Message,
            StringComparison.Ordinal);
        Assert.Throws<DataplaneException>(() => test.Port.SetMtu(9001));
        Assert.EndsWith(
            "cannot have the MAC address 01:00:00:00:00:00: it is a group address",
            Assert.Throws<DataplaneException>(() => test.Port.SetMacAddress(new MacAddress(1))).Message,
            StringComparison.Ordinal);
        Assert.EndsWith(
            "it is zero", Assert.Throws<DataplaneException>(() => test.Port.SetMacAddress(default)).Message, StringComparison.Ordinal);
        Assert.Empty(test.Calls);
    }
}
