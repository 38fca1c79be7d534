using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfPacket;

/// <summary>The port at one end of a veth pair, a plain socket at the other.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class AfPacketTests : CopyingPortTests
{
    private readonly NetworkNamespace _far = NetworkNamespace.Create();

    public AfPacketTests() => VethPair.Connect(Network, "dut", _far, "peer");

    protected override string Vdev => "net_af_packet0,iface=dut";

    protected override string Device => "dut";

    [Theory]
    [InlineData(",qdisc_bypass=1")]
    [InlineData(",framecnt=48,framesz=1760,blocksz=8192")]
    public void Bursts_keep_their_order_with_other_rings(string keys)
    {
        using KernelPort port = new KernelPort(Network, Vdev + keys).Start();
        using RawSocket peer = OpenPeer();
        AssertOrder(port, peer);
    }

    [Fact]
    public void Frames_that_find_the_ring_full_are_missed()
    {
        using KernelPort port = new KernelPort(Network, Vdev + ",framecnt=64").Start();
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 200; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = port.Receive(200, patience: 100);
        Assert.Equal(Enumerable.Range(0, 64), received.Select(frame => TestFrame.NumberOf(frame)));
        Assert.Equal(200ul - 64, port.Port.GetStatistics().InputMissed);
        port.Port.Stop();
        Assert.Equal(200ul - 64, port.Port.GetStatistics().InputMissed);
        port.Port.ResetStatistics();
        Assert.Equal(default, port.Port.GetStatistics());
    }

    [Fact]
    public void Address_MTU_and_promiscuity_are_those_of_the_interface()
    {
        using KernelPort port = new KernelPort(Network, Vdev).Start();
        Assert.Equal(Network.MacAddressOf("dut"), port.Port.MacAddress.ToString(), ignoreCase: true);
        Assert.True(MacAddress.TryParse("02:00:00:00:00:77", out MacAddress address));
        port.Port.SetMacAddress(address);
        port.Port.SetMtu(1400);
        port.Port.Promiscuous = true;
        port.Port.AllMulticast = true;
        Assert.Equal("02:00:00:00:00:77", Network.MacAddressOf("dut"));
        string state = Network.Ip("-d", "link", "show", "dut");
        Assert.Contains("mtu 1400", state, StringComparison.Ordinal);
        Assert.Contains("promiscuity 1", state, StringComparison.Ordinal);
        Assert.Contains("allmulti 1", state, StringComparison.Ordinal);
        port.Port.Promiscuous = false;
        Assert.Contains("promiscuity 0", Network.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
    }

    [Fact]
    public void Queues_share_what_arrives_and_a_flow_stays_on_its_queue()
    {
        using KernelPort port = new KernelPort(Network, Vdev + ",qpairs=4,fanout_mode=lb").Start(rxQueues: 4, txQueues: 4);
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 100; i++)
            peer.Send(TestFrame.Create(60, i));
        var numbers = new List<int>();
        for (int queue = 0; queue < 4; queue++)
        {
            List<byte[]> received = port.Receive(25, queue);
            Assert.Equal(25, received.Count);
            Assert.Equal(25ul, port.Port.GetRxQueueStatistics(queue).Packets);
            numbers.AddRange(received.Select(frame => TestFrame.NumberOf(frame)));
        }

        Assert.Equal(Enumerable.Range(0, 100), numbers.Order());
        for (int queue = 0; queue < 4; queue++)
        {
            Packet[] burst = [port.Packet(TestFrame.Create(60, queue))];
            Assert.Equal(1, port.Port.TxQueues[queue].Send(burst));
            Assert.Equal(queue, TestFrame.NumberOf(peer.Receive()));
            Assert.Empty(port.Receive(1, queue, patience: 10));
        }
    }

    [Theory]
    [InlineData("iface=nowhere", "net_af_packet0 finds no network interface 'nowhere' in its network namespace; the interfaces are ")]
    [InlineData("qpairs=1", "The device 'net_af_packet0' needs a network interface; write --vdev=net_af_packet0,iface=eth0")]
    [InlineData("iface=dut,framesz=2047", "'framesz=2047' of the device 'net_af_packet0' is not a multiple of 16")]
    [InlineData("iface=dut,framesz=8192", "'framesz=8192' of the device 'net_af_packet0' is not at most a block, blocksz=4096")]
    [InlineData("iface=dut,framecnt=511", "'framecnt=511' of the device 'net_af_packet0' is not a multiple of a block's 2 frames")]
    [InlineData("iface=dut,blocksz=5000", "'blocksz=5000' of the device 'net_af_packet0' is not a multiple of the page size")]
    [InlineData("iface=dut,qpairs=17", "'qpairs=17' of the device 'net_af_packet0' is not a number from 1 to 16")]
    [InlineData("iface=dut,fanout_mode=magic", "'fanout_mode=magic' of the device 'net_af_packet0' is not one of hash, lb, cpu")]
    public void What_cannot_be_is_said_in_one_sentence(string keys, string message)
    {
        DataplaneException error = Assert.ThrowsAny<DataplaneException>(() => new KernelPort(Network, "net_af_packet0," + keys));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hash")]
    [InlineData("cpu")]
    [InlineData("rollover")]
    [InlineData("rnd")]
    [InlineData("qm")]
    public void Every_way_of_spreading_loses_nothing(string mode)
    {
        using KernelPort port = new KernelPort(Network, $"{Vdev},qpairs=2,fanout_mode={mode}").Start(rxQueues: 2, txQueues: 1);
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 50; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = [.. port.Receive(50, queue: 0, patience: 50), .. port.Receive(50, queue: 1, patience: 50)];
        Assert.Equal(Enumerable.Range(0, 50), received.Select(frame => TestFrame.NumberOf(frame)).Order());
    }

    protected override RawSocket OpenPeer() => new(_far, "peer");

    protected override void SetPeerMtu(int mtu) => _far.Ip("link", "set", "peer", "mtu", $"{mtu}");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _far.Dispose();
    }
}
