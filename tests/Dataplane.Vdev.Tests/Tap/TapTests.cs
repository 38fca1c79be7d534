using System.Net;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.Tests.Kernel;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.Tap;

/// <summary>The port on one side of a tap, a plain socket on its interface.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class TapTests : CopyingPortTests
{
    protected override string Vdev => "net_tap0";

    protected override string Device => "dtap0";

    [Fact]
    public void The_interface_is_there_from_the_start_up_while_started_and_gone_at_the_end()
    {
        using (var port = new KernelPort(Network, "net_tap0,iface=lan7"))
        {
            Assert.DoesNotContain(",UP", Network.Ip("link", "show", "lan7"), StringComparison.Ordinal);
            port.Start();
            Assert.Contains(",UP", Network.Ip("link", "show", "lan7"), StringComparison.Ordinal);
            Assert.Equal(Network.MacAddressOf("lan7"), port.Port.MacAddress.ToString(), ignoreCase: true);
            port.Port.Stop();
            Assert.DoesNotContain(",UP", Network.Ip("link", "show", "lan7"), StringComparison.Ordinal);
        }

        Assert.NotEqual(0, Network.TryRun("ip", "link", "show", "lan7").ExitCode);
    }

    [Fact]
    public void Fixed_addresses_count_up_and_a_given_one_is_taken()
    {
        using var port = new KernelPort(Network, "net_tap0,mac=fixed", "net_tap1,mac=02:11:22:33:44:55", "net_tap2,mac=fixed", "net_tap3,iface=other");
        Assert.Equal("02:64:74:61:70:30", Network.MacAddressOf("dtap0"));
        Assert.Equal("02:11:22:33:44:55", Network.MacAddressOf("dtap1"));
        Assert.Equal("02:64:74:61:70:31", Network.MacAddressOf("dtap2"));
        Assert.Equal("02:64:74:61:70:31", port.Ports[2].MacAddress.ToString());
        Assert.False(port.Ports[3].MacAddress.IsZero);
    }

    [Theory]
    [InlineData("mac=nonsense", "'mac=nonsense' of the device 'net_tap0' is not 'fixed' or the MAC address of a station")]
    [InlineData("iface=lo", "net_tap0 cannot make the tap interface lo: Invalid argument; an interface of that name is there already")]
    [InlineData("iface=averylonginterfacename", "net_tap0 cannot make the interface 'averylonginterfacename': a name has 1 to 15 bytes")]
    [InlineData("remote=nowhere", "net_tap0 finds no network interface 'nowhere' in its network namespace")]
    public void What_cannot_be_is_said_in_one_sentence(string keys, string message)
    {
        DataplaneException error = Assert.ThrowsAny<DataplaneException>(() => new KernelPort(Network, "net_tap0," + keys));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_queues_receive_every_frame_once()
    {
        using KernelPort port = new KernelPort(Network, Vdev).Start(rxQueues: 4, txQueues: 4);
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 100; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = [.. Enumerable.Range(0, 4).SelectMany(queue => port.Receive(100, queue, patience: 50))];
        Assert.Equal(Enumerable.Range(0, 100), received.Select(frame => TestFrame.NumberOf(frame)).Order());
        foreach (TxQueue queue in port.Port.TxQueues)
        {
            Packet[] burst = [port.Packet(TestFrame.Create(60, queue.Index))];
            Assert.Equal(1, queue.Send(burst));
            Assert.Equal(queue.Index, TestFrame.NumberOf(peer.Receive()));
        }
    }

    [Fact]
    public unsafe void A_packet_whose_peer_took_its_memory_away_is_dropped_and_holds_up_nothing()
    {
        using KernelPort port = new KernelPort(Network, Vdev).Start();
        using RawSocket peer = OpenPeer();
        using var file = new SharedFile(64);
        PeerMemory memory = PeerMemory.Map(file.Handle, 0, 64, "region 0");
        using var returns = new ExternalReturns(1);
        Packet gone = port.Packet(TestFrame.Create(60, 1));
        gone.AttachExternal(memory.Address, 60, Mbuf.NoIova, returns.Owner, returns.Take());
        file.Resize(0);

        Assert.Equal(2, port.Port.TxQueues[0].Send([gone, port.Packet(TestFrame.Create(60, 2))]));
        Assert.Equal(2, TestFrame.NumberOf(peer.Receive()));
        Assert.Equal(1UL, port.Port.GetStatistics().OutputErrors);
        Assert.True(returns.IsIdle);
        memory.Release();
    }

    [Fact]
    public void Frames_that_find_the_queue_full_are_missed()
    {
        using KernelPort port = new KernelPort(Network, Vdev);
        Network.Ip("link", "set", "dtap0", "txqueuelen", "100");
        port.Start();
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 300; i++)
            peer.TrySend(TestFrame.Create(60, i));
        int received = port.Receive(300, patience: 100).Count;
        Assert.InRange(received, 100, 200);
        Assert.Equal(300ul - (ulong)received, port.Port.GetStatistics().InputMissed);
        port.Port.ResetStatistics();
        Assert.Equal(default, port.Port.GetStatistics());
    }

    [Fact]
    public void An_interface_that_was_made_to_stay_is_used_and_stays()
    {
        Network.Ip("tuntap", "add", "dev", "stay", "mode", "tap", "multi_queue");
        using (KernelPort port = new KernelPort(Network, "net_tap0,iface=stay").Start())
        {
            using var peer = new RawSocket(Network, "stay");
            peer.Send(TestFrame.Create(60, 5));
            Assert.Equal(5, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
        }

        Network.Ip("link", "show", "stay");
    }

    [Fact]
    public void A_port_whose_interface_was_removed_is_down_and_can_be_closed()
    {
        using KernelPort port = Start();
        Network.Ip("link", "del", "dtap0");
        Assert.Empty(port.Receive(1, patience: 10));
        Packet[] burst = [port.Packet(TestFrame.Create(60))];
        Assert.Equal(0, port.Port.TxQueues[0].Send(burst));
        Assert.False(port.Port.GetLink().IsUp);
    }

    [Fact]
    public void Ping_and_TCP_and_UDP_pass_between_two_hosts()
    {
        using NetworkNamespace left = NetworkNamespace.Create(ipv6: true);
        using NetworkNamespace right = NetworkNamespace.Create(ipv6: true);
        using KernelPort one = new KernelPort(left, Vdev).Start();
        using KernelPort other = new KernelPort(right, Vdev).Start();
        left.AddAddress("dtap0", "10.1.0.1/24");
        right.AddAddress("dtap0", "10.1.0.2/24");
        left.Ip("addr", "add", "fd00::1/64", "dev", "dtap0", "nodad");
        right.Ip("addr", "add", "fd00::2/64", "dev", "dtap0", "nodad");
        using var loop = new ForwardingLoop(one.Port, other.Port);
        Transfers.Ping(left, "10.1.0.2", 56);
        Transfers.Ping(right, "10.1.0.1", 20_000);
        Transfers.Tcp(left, right, IPAddress.Parse("10.1.0.2"), 10_000_000);
        Transfers.Tcp(right, left, IPAddress.Parse("fd00::1"), 10_000_000);
        Transfers.SegmentedUdp(left, right, IPAddress.Parse("10.1.0.2"), 30_001, 1200);
    }

    protected override RawSocket OpenPeer() => new(Network, "dtap0");
}
