using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.Pcap;

/// <summary>The port at one end of a veth pair, a plain socket at the other.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class PcapInterfaceTests : KernelPortTests
{
    private readonly NetworkNamespace _far = NetworkNamespace.Create();
    private readonly CaptureFixture _captures = new();

    public PcapInterfaceTests() => VethPair.Connect(Network, "dut", _far, "peer");

    protected override string Vdev => "net_pcap0,iface=dut";

    protected override string Device => "dut";

    [Theory]
    [InlineData("rx_iface", true)]
    [InlineData("iface", true)]
    [InlineData("rx_iface_in", false)]
    public void What_the_host_sends_through_the_interface_is_received_as_the_key_says(string key, bool receivesOutgoing)
    {
        using KernelPort port = new KernelPort(Network, $"net_pcap0,{key}=dut").Start();
        using var host = new RawSocket(Network, "dut");
        using RawSocket peer = OpenPeer();
        host.Send(TestFrame.Create(60, 1));
        peer.Send(TestFrame.Create(60, 2));

        int[] expected = receivesOutgoing ? [1, 2] : [2];
        Assert.Equal(expected, port.Receive(expected.Length).Select(frame => TestFrame.NumberOf(frame)));
        Assert.Empty(port.Receive(1, patience: 50));
    }

    [Fact]
    public void Each_interface_is_a_queue_of_its_own()
    {
        VethPair.Connect(Network, "dut2", _far, "peer2");
        using KernelPort port = new KernelPort(Network,
            "net_pcap0,rx_iface_in=dut,rx_iface_in=dut2,tx_iface=dut2,tx_iface=dut").Start(2, 2);
        using RawSocket peer = OpenPeer(), second = new(_far, "peer2");
        peer.Send(TestFrame.Create(60, 1));
        second.Send(TestFrame.Create(60, 2));
        Assert.Equal(1, TestFrame.NumberOf(Assert.Single(port.Receive(1, queue: 0))));
        Assert.Equal(2, TestFrame.NumberOf(Assert.Single(port.Receive(1, queue: 1))));

        for (int queue = 0; queue < 2; queue++)
        {
            Packet[] burst = [port.Packet(TestFrame.Create(60, queue))];
            Assert.Equal(1, port.Port.TxQueues[queue].Send(burst));
        }

        Assert.Equal(0, TestFrame.NumberOf(second.Receive()));
        Assert.Equal(1, TestFrame.NumberOf(peer.Receive()));
    }

    [Fact]
    public void A_capture_is_sent_to_an_interface_and_captured_there_again()
    {
        string path = _captures.PathOf("out.pcap");
        using var replay = new KernelPort(Network, $"net_pcap0,rx_pcap={CaptureFixture.Mixed},tx_iface=dut").Start();
        using var capture = new KernelPort(_far, $"net_pcap0,rx_iface_in=peer,tx_pcap={path}").Start();
        byte[][] frames = [.. replay.Receive(88)];
        Assert.Equal(88, frames.Length);
        replay.Send(frames);
        List<byte[]> arrived = capture.Receive(88);
        capture.Send(arrived);
        capture.Port.Stop();

        CaptureFixture.AssertSame(frames, [.. _captures.ReadWithTcpdump(path).Select(f => f.Data)]);
    }

    [Fact]
    public void The_port_has_its_own_MAC_address_unless_it_shall_have_the_interface_s()
    {
        using (var own = new KernelPort(Network, Vdev))
            Assert.Equal("02:70:63:61:70:00", own.Port.MacAddress.ToString());
        using var same = new KernelPort(Network, Vdev + ",phy_mac=1");
        Assert.Equal(Network.MacAddressOf("dut"), same.Port.MacAddress.ToString(), ignoreCase: true);
    }

    [Fact]
    public void The_interface_receives_frames_for_any_station_while_the_port_lives()
    {
        using (new KernelPort(Network, Vdev))
            Assert.Contains("promiscuity 1", Network.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
        Assert.Contains("promiscuity 0", Network.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
    }

    [Fact]
    public void Frames_that_find_the_ring_full_are_missed()
    {
        using KernelPort port = new KernelPort(Network, Vdev).Start();
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 700; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = port.Receive(700, patience: 100);
        Assert.Equal(Enumerable.Range(0, 512), received.Select(frame => TestFrame.NumberOf(frame)));
        Assert.Equal(700ul - 512, port.Port.GetStatistics().InputMissed);
        port.Port.Stop();
        Assert.Equal(700ul - 512, port.Port.GetStatistics().InputMissed);
        port.Port.ResetStatistics();
        Assert.Equal(default, port.Port.GetStatistics());
    }

    [Fact]
    public void An_interface_that_is_not_there_is_a_sentence() => Assert.StartsWith(
        "net_pcap0 finds no network interface 'nowhere' in its network namespace; the interfaces are ",
        Assert.ThrowsAny<DataplaneException>(() => new KernelPort(Network, "net_pcap0,rx_iface=dut,tx_iface=nowhere"))
            .Message);

    protected override RawSocket OpenPeer() => new(_far, "peer");

    protected override void SetPeerMtu(int mtu) => _far.Ip("link", "set", "peer", "mtu", $"{mtu}");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _far.Dispose();
        _captures.Dispose();
    }
}
