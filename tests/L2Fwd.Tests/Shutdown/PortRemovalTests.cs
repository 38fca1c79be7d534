using Dataplane.Ports;
using Dataplane.Testing;
using L2Fwd.Shutdown;

namespace L2Fwd.Tests.Shutdown;

public sealed class PortRemovalTests : IDisposable
{
    private readonly Texts _texts = new();
    private readonly StopSignals _stop;
    private readonly RecordingLogger _logger = new();

    public PortRemovalTests() => _stop = new StopSignals(_texts.Output);

    public void Dispose()
    {
        _stop.Dispose();
        _texts.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_port_that_must_go_is_closed_and_packets_for_it_are_dropped(bool sleeps)
    {
        using var forwarding = new WakingForwarding(sleeps);
        PortRemoval removal = Watch(forwarding);
        forwarding.Arrive(0);

        forwarding.Port(1).RequestRemoval();
        WakingForwarding.Eventually(() => _logger.Lines.Count > 0);
        forwarding.Arrive(0);

        Assert.Equal("Port 1 (net_waking1) is gone: closed and given back; packets for it are dropped", _logger.Lines.Single());
        Assert.Equal(PortState.Closed, forwarding.Port(1).State);
        Assert.Equal(PortState.Started, forwarding.Port(0).State);
        Assert.Equal(1UL, forwarding.From(0).Sent);
        Assert.Equal(1UL, forwarding.From(0).Dropped);
        Assert.Equal(forwarding.Pool.Capacity, forwarding.Pool.Statistics.Available);
        Assert.False(removal.NothingIsLeft);
        Assert.False(_stop.Wait(TimeSpan.Zero));
    }

    [Fact]
    public void The_last_port_ends_the_program()
    {
        using var forwarding = new WakingForwarding();
        PortRemoval removal = Watch(forwarding);

        forwarding.Port(0).RequestRemoval();
        forwarding.Port(1).RequestRemoval();

        Assert.True(_stop.Wait(TimeSpan.FromSeconds(30)));
        Assert.True(removal.NothingIsLeft);
    }

    [Fact]
    public void A_port_that_was_asked_for_before_anybody_watched_goes_too()
    {
        using var forwarding = new WakingForwarding();
        forwarding.Port(0).RequestRemoval();

        Watch(forwarding);

        WakingForwarding.Eventually(() => forwarding.Port(0).State == PortState.Closed);
    }

    [Fact]
    public void At_the_end_of_the_program_ports_are_left_to_who_closes_them_all()
    {
        using var forwarding = new WakingForwarding();
        PortRemoval removal = Watch(forwarding);

        removal.End();
        forwarding.Port(0).RequestRemoval();
        Thread.Sleep(TimeSpan.FromMilliseconds(100));

        Assert.Equal(PortState.Started, forwarding.Port(0).State);
    }

    private PortRemoval Watch(WakingForwarding forwarding)
    {
        var removal = new PortRemoval(forwarding.Lcores, _stop, _logger);
        removal.Watch([forwarding.Port(0), forwarding.Port(1)]);
        return removal;
    }
}
