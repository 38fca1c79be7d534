using Dataplane.Eal;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tests.Ring;

public sealed class RingPortTests
{
    private const int Capacity = 1024;

    [Fact]
    public unsafe void Alone_a_port_receives_what_it_sends_in_order_and_untouched()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0", "net_ring1").Start();
        Packet[] sent = test.Allocate(5, length: 100);
        foreach (Packet packet in sent)
            packet.Mbuf->Port = 7;

        Assert.Equal(5, test.Send(1, sent));
        Assert.Empty(test.Receive(0));
        Packet[] received = test.Receive(1);
        Assert.Equal(sent, received);
        Assert.All(received, packet => Assert.Equal(7, packet.Port));
        Assert.Empty(test.Receive(1));
        PortStatistics statistics = test[1].GetStatistics();
        Assert.Equal((5UL, 500UL, 5UL, 500UL), (statistics.InputPackets, statistics.InputBytes, statistics.OutputPackets, statistics.OutputBytes));
        Packet.Free(received);
    }

    [Fact]
    public void A_full_ring_takes_fewer_and_counts_only_those()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0").Start();
        Packet[] packets = test.Allocate(Capacity + 10);

        Assert.Equal(Capacity, test.Send(0, packets));
        Assert.Equal(0, test.Send(0, packets[Capacity..]));
        Assert.Equal((ulong)Capacity, test[0].GetStatistics().OutputPackets);
        Assert.Equal(Capacity * 60UL, test[0].GetStatistics().OutputBytes);
        Assert.Equal(packets[..32], test.Receive(0));
        Packet.Free(packets.AsSpan(Capacity));
        Packet.Free(packets.AsSpan(0, 32));
    }

    [Fact]
    public void Queues_are_loops_of_their_own()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0").Start(queues: 2);
        Packet[] packets = test.Allocate(2);
        Assert.Equal(1, test[0].TxQueues[1].Send(packets.AsSpan(1)));
        Assert.Equal(1, test[0].TxQueues[0].Send(packets.AsSpan(0, 1)));

        Assert.Equal([packets[0]], test.Receive(0, queue: 0));
        Assert.Equal([packets[1]], test.Receive(0, queue: 1));
        Packet.Free(packets);
    }

    [Fact]
    public void Peers_are_the_ends_of_a_cable()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0", "net_ring1,peer=net_ring0").Start();
        Packet[] packets = test.Allocate(5);

        Assert.Equal(3, test.Send(0, packets[..3]));
        Assert.Equal(2, test.Send(1, packets[3..]));
        Assert.Equal(packets[3..], test.Receive(0));
        Assert.Equal(packets[..3], test.Receive(1));
        Packet.Free(packets);
    }

    [Theory]
    [InlineData("net_ring1,peer=net_ring1")]
    [InlineData("net_ring1,peer=net_ring9")]
    [InlineData("net_ring1,peer=net_null0")]
    [InlineData("net_ring1,peer=net_ring5")]
    [InlineData("net_ring1,peer=net_ring0")]
    [InlineData("net_ring1,peer=net_ring4")]
    public void Only_an_earlier_unconnected_port_can_be_a_peer(string device)
    {
        var error = Assert.Throws<CommandLineException>(() => new SoftwareRuntime(
            "net_null0", "net_ring0", "net_ring2,peer=net_ring0", "net_ring4,nodeaction=x:0:CREATE", device, "net_ring5").Dispose());
        Assert.EndsWith("is not the name of an earlier net_ring device that is still unconnected", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_peer_and_an_action_exclude_each_other() =>
        Assert.StartsWith(
            "The device 'net_ring1' has both nodeaction and peer",
            Assert.Throws<CommandLineException>(
                () => new SoftwareRuntime("net_ring0", "net_ring1,peer=net_ring0,nodeaction=x:0:CREATE").Dispose()).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Ports_that_attach_to_a_name_share_its_rings()
    {
        using SoftwareRuntime test = new SoftwareRuntime(
            "net_ring0,nodeaction=lan:0:CREATE", "net_ring1,nodeaction=lan:0:ATTACH", "net_ring2,nodeaction=wan:0:CREATE").Start();
        Packet[] packets = test.Allocate(3);

        Assert.Equal(2, test.Send(0, packets[..2]));
        Assert.Equal(1, test.Send(1, packets[2]));
        Assert.Empty(test.Receive(2));
        Assert.Equal([packets[0]], test.Receive(1, atMost: 1));
        Assert.Equal(packets[1..], test.Receive(0));
        Packet.Free(packets);
    }

    [Theory]
    [InlineData("lan:0:ATTACH", "possible: no earlier net_ring device creates 'lan'")]
    [InlineData("wan:0:CREATE", "possible: 'wan' is created by the device 'net_ring0'")]
    [InlineData("lan:0:create", "of the form NAME:NODE:CREATE or NAME:NODE:ATTACH")]
    [InlineData("lan:x:CREATE", "of the form NAME:NODE:CREATE or NAME:NODE:ATTACH")]
    [InlineData(":0:CREATE", "of the form NAME:NODE:CREATE or NAME:NODE:ATTACH")]
    [InlineData("lan", "of the form NAME:NODE:CREATE or NAME:NODE:ATTACH")]
    public void Impossible_actions_are_refused(string action, string message)
    {
        var error = Assert.Throws<CommandLineException>(
            () => new SoftwareRuntime("net_ring0,nodeaction=wan:0:CREATE", "net_ring1,nodeaction=" + action).Dispose());
        Assert.Equal($"'nodeaction={action}' of the device 'net_ring1' is not {message}", error.Message);
    }

    [Fact]
    public void Preloaded_packets_are_there_at_start_and_do_not_grow_with_each_start()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0,preload=100,size=200").Start(queues: 2);
        Assert.Equal(200, test.InUse);
        Packet[] burst = test.Receive(0, atMost: 30, queue: 1);
        Assert.All(burst, packet => Assert.Equal(new byte[200], packet.Data.ToArray()));
        Packet.Free(burst);

        test[0].Stop();
        test[0].Start();
        Assert.Equal(200, test.InUse);
        test[0].Stop();
        test[0].Configure(new PortConfiguration(test.Pool));
        test[0].Start();
        Assert.Equal(200, test.InUse);
    }

    [Fact]
    public void Peers_preload_what_they_receive()
    {
        using SoftwareRuntime test = new SoftwareRuntime("net_ring0,preload=3", "net_ring1,peer=net_ring0,preload=5").Start();

        Assert.Equal((3, 5), (test.Receive(0).Length, test.Receive(1).Length));
    }

    [Fact]
    public void A_pool_that_is_too_small_to_preload_is_named_and_a_second_try_goes_on()
    {
        using var test = new SoftwareRuntime(new MempoolOptions { Count = 10, CacheSize = 0, Name = "tiny" }, "net_ring0,preload=9");
        Packet[] taken = test.Allocate(4);
        var error = Assert.Throws<DataplaneException>(() => test.Start());
        Assert.Equal("The mempool tiny has too few packets to preload 9 into net_ring0", error.Message);

        Packet.Free(taken);
        test[0].Start();
        Assert.Equal(9, test.InUse);
    }

    [Fact]
    public void Packets_too_large_to_preload_are_refused_and_not_lost()
    {
        using var test = new SoftwareRuntime(new MempoolOptions { Count = 10, CacheSize = 0, DataRoom = 60 }, "net_ring0,preload=2,size=61");

        Assert.Throws<DataplaneException>(() => test.Start());
        Assert.Equal(0, test.InUse);
    }

    [Theory]
    [InlineData("preload=1025", "a number from 0 to 1024")]
    [InlineData("size=13", "a number from 14 to 2048")]
    public void Impossible_values_are_refused(string value, string expected)
    {
        var error = Assert.Throws<CommandLineException>(() => new SoftwareRuntime("net_ring0," + value).Dispose());
        Assert.Equal($"'{value}' of the device 'net_ring0' is not {expected}", error.Message);
    }

    [Theory]
    [InlineData(0, 1, 2, 3)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(1, 3, 0, 2)]
    public void What_is_on_the_wire_goes_back_with_the_last_port_that_uses_it(params int[] order)
    {
        using SoftwareRuntime test = new SoftwareRuntime(
            "net_ring0", "net_ring1,peer=net_ring0", "net_ring2,nodeaction=lan:0:CREATE", "net_ring3,nodeaction=lan:0:ATTACH").Start();
        for (int port = 0; port < 4; port++)
            Assert.Equal(10, test.Send(port, test.Allocate(10)));
        foreach (int port in order[..^1])
            test[port].Dispose();
        // The port that is left still works, whoever is gone.
        int left = order[^1];
        Assert.Equal(5, test.Send(left, test.Allocate(5)));
        Packet.Free(test.Receive(left));
        test[left].Dispose();

        Assert.Equal(0, test.InUse);
    }
}
