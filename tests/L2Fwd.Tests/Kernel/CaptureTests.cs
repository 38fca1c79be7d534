using System.Net;
using Dataplane.Testing;
using L2Fwd.Tests.Processes;

namespace L2Fwd.Tests.Kernel;

/// <summary>A capture of live traffic, of many kinds, through the built program from file to file.</summary>
public sealed class CaptureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_capture_of_live_mixed_traffic_comes_out_complete_and_unchanged()
    {
        string captured = CaptureMixedTraffic();

        string forwarded = await ForwardAsync(captured, "--no-mac-updating");

        Assert.Equal(
            FrameCapture.Read(captured).Select(Convert.ToHexString),
            FrameCapture.Read(forwarded).Select(Convert.ToHexString));
        string[] fields = ["frame.protocols", "frame.len", "ip.id", "tcp.seq_raw", "udp.length"];
        string dissected = Dissect(captured, fields);
        Assert.Equal(dissected, Dissect(forwarded, fields));
        Assert.All(
            ["ethertype:arp", "ip:icmp", "ip:tcp", "ip:udp", "ipv6:icmpv6", "ipv6:tcp", "vxlan:eth:ethertype:ip:icmp"],
            protocols => Assert.Contains(protocols, dissected, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_capture_of_live_mixed_traffic_comes_out_with_the_addresses_of_the_port()
    {
        string captured = CaptureMixedTraffic();

        string forwarded = await ForwardAsync(captured, "--mac-updating");

        Assert.Equal(
            FrameCapture.Read(captured).Select(frame => Convert.ToHexString(frame[12..])),
            FrameCapture.Read(forwarded).Select(frame => Convert.ToHexString(frame[12..])));
        string addresses = Assert.Single(
            Dissect(forwarded, "eth.dst", "eth.src").Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct());
        Assert.StartsWith("02:00:00:00:00:00\t", addresses, StringComparison.Ordinal);
    }

    private async Task<string> ForwardAsync(string captured, string options)
    {
        string forwarded = _folder["forwarded.pcap"];
        int frames = FrameCapture.Read(captured).Count;
        using var l2fwd = L2FwdProcess.Start(
            $"-l 0 --no-pci --no-huge --vdev net_pcap0,rx_pcap={captured},tx_pcap={forwarded} -- -p 1 -T 1 {options}");
        await l2fwd.WaitForTotalsAsync(frames);
        l2fwd.Signal("TERM");
        Assert.Equal(0, await l2fwd.WaitForExitAsync());
        return forwarded;
    }

    private string CaptureMixedTraffic()
    {
        using NetworkNamespace left = NetworkNamespace.Create(ipv6: true);
        using NetworkNamespace right = NetworkNamespace.Create(ipv6: true);
        VethPair.Connect(left, "eth0", right, "eth0");
        foreach ((NetworkNamespace host, int number) in new[] { (left, 1), (right, 2) })
        {
            host.Run("ethtool", "-K", "eth0", "tx", "off", "gso", "off", "gro", "off", "tso", "off");
            host.AddAddress("eth0", $"10.1.0.{number}/24");
            host.Ip("addr", "add", $"fd00::{number}/64", "dev", "eth0", "nodad");
            string peer = $"10.1.0.{3 - number}";
            host.Ip(
                "link", "add", "vx7", "type", "vxlan", "id", "7", "remote", peer, "dstport", "4789", "dev", "eth0");
            host.Ip("link", "set", "vx7", "up");
            host.AddAddress("vx7", $"10.7.0.{number}/24");
        }

        string file = _folder["captured.pcap"];
        using FrameCapture capture = FrameCapture.Start(left, "eth0", "inout", file);
        Transfers.Ping(left, "10.1.0.2", 56);
        Transfers.Ping(left, "10.1.0.2", 4000);
        Transfers.Ping(left, "fd00::2", 56);
        Transfers.Ping(left, "10.7.0.2", 56);
        Transfers.Tcp(left, right, IPAddress.Parse("10.1.0.2"), 300_000);
        Transfers.Tcp(right, left, IPAddress.Parse("fd00::1"), 300_000);
        Transfers.SegmentedUdp(left, right, IPAddress.Parse("10.1.0.2"), 10_000, 1000);
        return file;
    }

    /// <summary>Fields of every frame as tshark sees them; of headers that are there twice the outer one.</summary>
    private static string Dissect(string file, params string[] fields) =>
        Shell.Run(
            "tshark", ["-n", "-r", file, "-T", "fields", "-E", "occurrence=f", .. fields.Select(field => $"-e{field}")]);
}
