using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed class LinkTests
{
    [Theory]
    [InlineData(0u, true, false, "Link up at None FDX Fixed")]
    [InlineData(10u, false, false, "Link up at 10 Mbps HDX Fixed")]
    [InlineData(100u, true, true, "Link up at 100 Mbps FDX Autoneg")]
    [InlineData(1000u, true, true, "Link up at 1 Gbps FDX Autoneg")]
    [InlineData(2500u, true, false, "Link up at 2.5 Gbps FDX Fixed")]
    [InlineData(10_000u, true, false, "Link up at 10 Gbps FDX Fixed")]
    [InlineData(400_000u, true, false, "Link up at 400 Gbps FDX Fixed")]
    [InlineData(1234u, true, false, "Link up at Invalid FDX Fixed")]
    [InlineData(LinkStatus.UnknownSpeed, true, false, "Link up at Unknown FDX Fixed")]
    public void A_link_that_is_up_is_described_as_DPDK_does(uint speed, bool fullDuplex, bool negotiated, string text) =>
        Assert.Equal(text, new LinkStatus(IsUp: true, speed, fullDuplex, negotiated).ToString());

    [Fact]
    public void A_link_that_is_down_is_just_down()
    {
        Assert.Equal("Link down", LinkStatus.Down.ToString());
        Assert.Equal(LinkStatus.Down, default);
    }

    [Fact]
    public void A_software_port_is_up_while_it_is_started()
    {
        using var test = new TestRuntime();
        Assert.Equal(LinkStatus.Down, test.Port.GetLink());
        test.Port.Configure(test.Configuration());
        Assert.Equal(LinkStatus.Down, test.Port.GetLink());
        test.Port.Start();
        Assert.Equal(LinkStatus.VirtualUp, test.Port.GetLink());
        test.Port.Stop();
        Assert.Equal(LinkStatus.Down, test.Port.GetLink());
        test.Port.DeviceLink = LinkStatus.VirtualUp;
        test.Port.Dispose();
        Assert.Equal(LinkStatus.Down, test.Port.GetLink());
    }

    [Fact]
    public void Only_changes_are_reported_whoever_notices_them()
    {
        using var test = new TestRuntime();
        var seen = new List<LinkStatus>();
        test.Port.LinkChanged += (sender, link) =>
        {
            Assert.Same(test.Port, sender);
            seen.Add(link);
        };
        test.Port.RaiseLink(LinkStatus.Down);
        test.Port.RaiseLink(LinkStatus.VirtualUp);
        test.Port.RaiseLink(LinkStatus.VirtualUp);
        test.Port.DeviceLink = new LinkStatus(IsUp: true, 1000);
        _ = test.Port.GetLink();
        _ = test.Port.GetLink();
        test.Port.RaiseLink(LinkStatus.Down);

        Assert.Equal([LinkStatus.VirtualUp, new LinkStatus(IsUp: true, 1000), LinkStatus.Down], seen);
    }

    [Fact]
    public void What_was_read_before_the_device_told_of_a_change_is_not_reported_after_it()
    {
        using var test = new TestRuntime();
        test.Port.DeviceLink = LinkStatus.VirtualUp;
        _ = test.Port.GetLink();
        var seen = new List<LinkStatus>();
        test.Port.LinkChanged += (_, link) => seen.Add(link);
        test.Port.AfterLinkIsRead = () =>
        {
            test.Port.AfterLinkIsRead = null;
            test.Port.DeviceLink = LinkStatus.Down;
            test.Port.RaiseLink(LinkStatus.Down);
        };

        Assert.Equal(LinkStatus.Down, test.Port.GetLink());
        Assert.Equal([LinkStatus.Down], seen);
    }
}
