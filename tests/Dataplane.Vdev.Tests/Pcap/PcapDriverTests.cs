using Dataplane.Ports;

namespace Dataplane.Vdev.Tests.Pcap;

public sealed class PcapDriverTests : IDisposable
{
    private readonly CaptureFixture _captures = new();

    public void Dispose() => _captures.Dispose();

    [Theory]
    [InlineData("",
        "The device 'net_pcap0' neither receives nor sends; give it rx_pcap=FILE, tx_pcap=FILE, iface=NAME, ...")]
    [InlineData(",rx_pcap=a,rx_iface=b",
        "The device 'net_pcap0' cannot have rx_pcap together with rx_iface or rx_iface_in")]
    [InlineData(",tx_pcap=a,tx_iface=b", "The device 'net_pcap0' cannot have tx_pcap together with tx_iface")]
    [InlineData(",iface=a,tx_pcap=b",
        "The device 'net_pcap0' cannot have iface together with rx_... or tx_... keys: it is both")]
    [InlineData(",rx_iface=a,phy_mac=1",
        "The device 'net_pcap0' has phy_mac=1 but no iface to have the MAC address of")]
    [InlineData(",tx_pcap=a,infinite_rx=1", "The device 'net_pcap0' has infinite_rx=1 but no rx_pcap to receive")]
    [InlineData(",tx_pcap=a,infinite_rx=yes", "'infinite_rx=yes' of the device 'net_pcap0' is not 0 or 1")]
    [InlineData(",tx_pcap=a,precision=ps", "'precision=ps' of the device 'net_pcap0' is not us or ns")]
    [InlineData(",tx_pcap=a,snaplen=0", "'snaplen=0' of the device 'net_pcap0' is not a number from 1 to 262144")]
    [InlineData(",rx_pcap=/none", "Cannot open the capture '/none': Could not find file '/none'.")]
    [InlineData(",tx_pcap=/none/out",
        "Cannot create the capture '/none/out': Could not find a part of the path '/none/out'.")]
    [InlineData(",tx_pcap=/dev/full", "Cannot write the capture '/dev/full': No space left on device : '/dev/full'")]
    public void What_makes_no_device_is_a_sentence(string keys, string message) => Assert.Equal(message, Refusal(keys));

    [Fact]
    public void An_unknown_key_is_answered_with_the_known_ones()
    {
        string message = Refusal(",rx_pcpa=a");
        Assert.StartsWith("net_pcap has no key 'rx_pcpa'", message);
        Assert.EndsWith(
            "its keys are rx_pcap, tx_pcap, rx_iface, rx_iface_in, tx_iface, iface, phy_mac, infinite_rx, eof, snaplen, " +
            "precision, tx_wait",
            message);
    }

    [Fact]
    public void An_empty_capture_cannot_be_received_infinitely()
    {
        string path = _captures.Write("empty", new CaptureBuilder().PcapHeader().ToArray());
        Assert.Equal($"The capture '{path}' has no frames to receive", Refusal($",rx_pcap={path},infinite_rx=1"));
    }

    [Fact]
    public void A_file_is_not_overwritten_that_is_also_read_or_written_elsewhere()
    {
        string path = _captures.Write("in", File.ReadAllBytes(CaptureFixture.Mixed));
        string message = $"The device 'net_pcap0' cannot have tx_pcap={path}: the file is given more than once; " +
            "give each tx_pcap a file of its own";
        Assert.Equal(message, Refusal($",tx_pcap={path},tx_pcap={path}"));
        Assert.Equal(message, Refusal($",rx_pcap={path},tx_pcap={path}"));
        Assert.Equal(message, Assert.ThrowsAny<DataplaneException>(
            () => new PcapRig($"net_pcap1,rx_pcap={path}", $"net_pcap0,tx_pcap={path}")).Message);
        Assert.Equal(88, CaptureFixture.Read(path).Count);
    }

    [Fact]
    public void A_port_has_as_many_queues_as_streams_in_the_direction_that_has_them()
    {
        string path = CaptureFixture.Mixed;
        using var rig = new PcapRig($"net_pcap0,rx_pcap={path},rx_pcap={path},rx_pcap={path}",
            $"net_pcap1,tx_pcap={_captures.PathOf("out")}");

        Assert.Equal((3, 3), Queues(rig.Ports[0]));
        Assert.Equal((1, 1), Queues(rig.Ports[1]));
    }

    [Fact]
    public void Ports_have_the_MAC_addresses_of_the_DPDK_driver()
    {
        using var rig = new PcapRig($"net_pcap0,rx_pcap={CaptureFixture.Mixed}", "net_null0",
            $"net_pcap7,tx_pcap={_captures.PathOf("out")}");

        Assert.Equal("02:70:63:61:70:00", $"{rig.Ports[0].MacAddress}");
        Assert.Equal("02:70:63:61:70:01", $"{rig.Ports[2].MacAddress}");
    }

    private static (int Rx, int Tx) Queues(Port port) => (port.Capabilities.MaxRxQueues, port.Capabilities.MaxTxQueues);

    private static string Refusal(string keys) =>
        Assert.ThrowsAny<DataplaneException>(() => new PcapRig($"net_pcap0{keys}")).Message;
}
