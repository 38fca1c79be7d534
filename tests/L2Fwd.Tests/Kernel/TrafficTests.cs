using System.Net;
using Dataplane.Packets;
using Dataplane.Testing;

namespace L2Fwd.Tests.Kernel;

/// <summary>Real traffic of two kernels through the built program.</summary>
public class TrafficTests
{
    private const int TcpBytes = 2_000_000;

    [Fact]
    public async Task Ping_and_TCP_pass_over_af_packet_and_every_frame_arrives_as_it_was_sent()
    {
        using TwoHosts hosts = await TwoHosts.OverAfPacketAsync("--no-mac-updating");
        await ExchangeAsync(hosts, leftToRight: null, rightToLeft: null);
    }

    [Fact]
    public async Task Over_af_packet_every_frame_gets_the_addresses_of_its_new_way_and_nothing_else_changes()
    {
        using TwoHosts hosts = await TwoHosts.OverAfPacketAsync("");
        await ExchangeAsync(hosts, Rewriter(hosts, port: 1), Rewriter(hosts, port: 0));
    }

    [Fact]
    public async Task Ping_and_TCP_pass_over_tap_and_every_frame_arrives_as_it_was_sent()
    {
        using TwoHosts hosts = await TwoHosts.OverTapAsync("--no-mac-updating");
        await ExchangeAsync(hosts, leftToRight: null, rightToLeft: null);
    }

    [Fact]
    public async Task Over_tap_every_frame_gets_the_addresses_of_its_new_way_and_nothing_else_changes()
    {
        using TwoHosts hosts = await TwoHosts.OverTapAsync("");
        await ExchangeAsync(hosts, Rewriter(hosts, port: 1), Rewriter(hosts, port: 0));
    }

    [Fact]
    public async Task Ping_and_TCP_pass_over_af_xdp_and_every_frame_arrives_as_it_was_sent()
    {
        using TwoHosts hosts = await TwoHosts.OverAfXdpAsync("--no-mac-updating");
        await ExchangeAsync(hosts, leftToRight: null, rightToLeft: null);
        Assert.DoesNotContain("xdp", hosts.DescribeInterfaces(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Over_af_xdp_lcores_that_sleep_forward_as_well_and_every_frame_gets_the_addresses_of_its_new_way()
    {
        using TwoHosts hosts = await TwoHosts.OverAfXdpAsync("--rx-interrupt");
        await ExchangeAsync(hosts, Rewriter(hosts, port: 1), Rewriter(hosts, port: 0));
    }

    [Fact]
    public async Task After_SIGKILL_nothing_of_af_xdp_stays_and_the_next_l2fwd_forwards()
    {
        using TwoHosts hosts = await TwoHosts.OverAfXdpAsync("--no-mac-updating");
        for (int round = 0; round < 3; round++)
        {
            Transfers.Ping(hosts.Left, TwoHosts.RightAddress, 1472);
            Assert.Contains("prog/xdp", hosts.DescribeInterfaces(), StringComparison.Ordinal);
            hosts.L2Fwd.Signal("KILL");
            Assert.Equal(128 + 9, await hosts.L2Fwd.WaitForExitAsync());
            await hosts.StartOverAfXdpAsync("--no-mac-updating");
        }

        Transfers.Tcp(hosts.Left, hosts.Right, IPAddress.Parse(TwoHosts.RightAddress), TcpBytes);
        hosts.L2Fwd.Signal("KILL");
        await hosts.L2Fwd.WaitForExitAsync();
        Assert.True(
            SpinWait.SpinUntil(() => !hosts.DescribeInterfaces().Contains("xdp", StringComparison.Ordinal), 5000),
            hosts.DescribeInterfaces());
    }

    private static async Task ExchangeAsync(
        TwoHosts hosts, Func<byte[], byte[]>? leftToRight, Func<byte[], byte[]>? rightToLeft)
    {
        using FrameCapture fromLeft = hosts.Capture(hosts.Left, "out");
        using FrameCapture toLeft = hosts.Capture(hosts.Left, "in");
        using FrameCapture fromRight = hosts.Capture(hosts.Right, "out");
        using FrameCapture toRight = hosts.Capture(hosts.Right, "in");

        Transfers.Ping(hosts.Left, TwoHosts.RightAddress, 56);
        Transfers.Ping(hosts.Right, TwoHosts.LeftAddress, 1472);
        Transfers.Tcp(hosts.Left, hosts.Right, IPAddress.Parse(TwoHosts.RightAddress), TcpBytes);
        Transfers.Tcp(hosts.Right, hosts.Left, IPAddress.Parse(TwoHosts.LeftAddress), TcpBytes);

        int arrived = fromLeft.AssertArrivedAt(toRight, leftToRight).Count;
        arrived += fromRight.AssertArrivedAt(toLeft, rightToLeft).Count;
        // Both transfers, cut to frames of 1500 bytes, were really there.
        Assert.True(arrived > 2 * TcpBytes / 1500, $"only {arrived} frames");
        await hosts.L2Fwd.WaitForTotalsAsync(arrived);
        hosts.L2Fwd.Signal("TERM");
        Assert.Equal(0, await hosts.L2Fwd.WaitForExitAsync());
    }

    /// <summary>What DPDK's l2fwd makes of a frame that leaves by a port.</summary>
    private static Func<byte[], byte[]> Rewriter(TwoHosts hosts, int port)
    {
        Assert.True(MacAddress.TryParse(hosts.MacOfPort(port), out MacAddress source));
        return frame =>
        {
            byte[] expected = [.. frame];
            new byte[] { 2, 0, 0, 0, 0, (byte)port }.CopyTo(expected, 0);
            source.CopyTo(expected.AsSpan(MacAddress.Length));
            return expected;
        };
    }
}
