using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed class RuntimeTests
{
    [Fact]
    public void Ports_are_numbered_in_the_order_of_the_command_line()
    {
        using var test = new TestRuntime("net_test7,key=a", "net_test3", "net_test");

        Assert.Equal(
            [(0, "net_test7", "net_test"), (1, "net_test3", "net_test"), (2, "net_test", "net_test")],
            test.Runtime.Ports.Select(port => (port.Id, port.Name, port.DriverName)));
    }

    [Fact]
    public void A_command_line_that_asks_for_help_starts_nothing()
    {
        var error = Assert.Throws<CommandLineException>(() => DataplaneRuntime.Create(["--help"], []));

        Assert.Contains("EalCommandLine", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void Two_runtimes_live_side_by_side_and_one_outlives_the_other()
    {
        var one = new TestRuntime();
        using var two = new TestRuntime();
        Mempool pool = two.Configuration().Pool;
        Assert.True(pool.TryAllocate(out Packet packet));
        Assert.True(packet.TryAppend(8, out Span<byte> data));
        data.Fill(7);
        Assert.NotEqual(one.Runtime.Memory.Identity, two.Runtime.Memory.Identity);

        one.Port.Configure(one.Configuration());
        one.Dispose();
        one.Dispose();
        Assert.Equal((PortState.Closed, PortState.Created), (one.Port.State, two.Port.State));
        Assert.Equal([7, 7, 7, 7, 7, 7, 7, 7], packet.Data.ToArray());
        packet.Free();
        two.Port.Configure(two.Configuration());
        two.Port.Start();
        Assert.Throws<ObjectDisposedException>(() => one.Runtime.CreateMempool(new MempoolOptions { Count = 1 }));
    }

    [Fact]
    public void All_ports_are_started_on_one_pool_that_is_large_enough()
    {
        using var test = new TestRuntime("net_test0", "net_test1");
        IReadOnlyList<Port> ports = test.Runtime.StartPorts();

        Assert.Equal(2, ports.Count);
        Assert.All(ports, port => Assert.Equal(PortState.Started, port.State));
        Assert.Equal(8192, Assert.Single(test.Runtime.Mempools).Capacity);
    }

    [Fact]
    public void A_device_that_is_named_twice_is_refused_before_anything_is_made()
    {
        var driver = new TestDriver();
        Refused("The device 'net_test0' is given 2 times with --vdev; number them", driver, "net_test0", "net_test1", "net_test0,key=1");
        Refused("No driver makes the device 'net_tset0'", driver, "net_test0", "net_tset0");
        Refused("has no key 'size'", driver, "net_test0", "net_test1,size=1");
        Assert.Empty(driver.Calls);
    }

    [Fact]
    public void A_driver_that_fails_leaves_nothing_of_the_ports_before_it()
    {
        var driver = new TestDriver();
        driver.Failing.Add("Create:net_test2");
        Refused("Create:net_test2 failed", driver, "net_test0", "net_test1", "net_test2", "net_test3");

        Assert.Equal(["Create:net_test0", "Create:net_test1", "Create:net_test2", "OnClose", "OnClose"], driver.Calls);
        Assert.Throws<ObjectDisposedException>(() => driver.Memory!.Allocate("late", 1));
    }

    [Fact]
    public void Disposing_gives_everything_back_though_a_port_fails_to_close()
    {
        var test = new TestRuntime("net_test0", "net_test1");
        foreach (Port port in test.Runtime.Ports)
            port.Configure(test.Configuration());
        test.Driver.Failing.Add("OnClose");
        test.Calls.Clear();

        Assert.Equal("OnClose failed", Assert.Throws<DataplaneException>(test.Dispose).Message);
        Assert.Equal(["rx0 disposed", "tx0 disposed", "OnClose", "rx0 disposed", "tx0 disposed", "OnClose"], test.Calls);
        Assert.All(test.Runtime.Ports, port => Assert.Equal(PortState.Closed, port.State));
        Assert.Throws<ObjectDisposedException>(() => test.Runtime.Memory.Allocate("late", 1));
    }

    private static void Refused(string message, TestDriver driver, params string[] vdevs)
    {
        var error = Assert.ThrowsAny<DataplaneException>(() => DataplaneRuntime.Create(TestRuntime.Options(vdevs), [driver]).Dispose());
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }
}
