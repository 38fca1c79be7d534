using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Vhost;

/// <summary>
/// A guest whose virtio-nets are served by our net_vhost: one by split rings of two queues, whose back end listens, and
/// one by packed rings, whose back end connects.
/// </summary>
public sealed class VhostTests(VhostTests.Fixture fixture, ITestOutputHelper output) : GuestTests<VhostTests.Fixture>(fixture, output)
{
    private const int TransferBytes = 3_000_000;

    private readonly VhostHost _host = fixture.Host;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Pings_of_all_sizes_and_TCP_pass_through_l2fwd_in_both_directions(int nic)
    {
        VhostLink link = Configured(nic);
        link.Ping(Guest);
        link.Transfer(Guest, TransferBytes);
        AssertNobodyBrokeARule();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_guest_resets_its_NIC_and_goes_on(int nic)
    {
        VhostLink link = Configured(nic);
        link.ResetNic(Guest);
        link.Ping(Guest);
        AssertNobodyBrokeARule();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void L2fwd_ends_under_load_and_comes_back_while_the_guest_runs(bool isKilled)
    {
        VhostLink split = Configured(0);
        VhostLink packed = Configured(1);
        GuestCommand load = split.Flood(Guest);
        if (!isKilled)
            Assert.Equal(0, _host.StopL2Fwd());
        _host.StartL2Fwd();
        split.Configure(Guest);
        Assert.False(load.HasExited);
        load.Signal("KILL");
        split.Ping(Guest);

        // QEMU does not know where a packed ring stands whose back end is gone.
        packed.ResetNic(Guest);
        packed.Ping(Guest);
        AssertNobodyBrokeARule();
    }

    [Fact]
    public void The_guest_is_reset_and_boots_again()
    {
        Configured(0);
        Configured(1);
        Guest.Reset();
        Configured(0).Ping(Guest);
        Configured(1).Ping(Guest);
        AssertNobodyBrokeARule();
    }

    /// <summary>A NIC that works, whatever test was before.</summary>
    private VhostLink Configured(int nic)
    {
        VhostLink link = _host.Nics[nic];
        link.Configure(Guest);
        return link;
    }

    private void AssertNobodyBrokeARule() => Assert.DoesNotContain("the connection ends", _host.Output, StringComparison.Ordinal);

    public sealed class Fixture : GuestFixture
    {
        public Fixture()
            : this(new VhostHost())
        {
        }

        private Fixture(VhostHost host)
            : base(new GuestOptions { VhostNics = [.. host.Nics.Select(link => link.Nic)], HasIommu = false, Hugepages = 0 }) => Host = host;

        internal VhostHost Host { get; }

        private protected override void StartPeers() => Host.StartL2Fwd();

        private protected override void EndPeers() => Host.Dispose();
    }
}
