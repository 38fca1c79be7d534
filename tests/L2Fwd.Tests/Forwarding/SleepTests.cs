namespace L2Fwd.Tests.Forwarding;

public class SleepTests
{
    [Fact]
    public void An_idle_lcore_sleeps_until_a_packet_comes()
    {
        using var forwarding = new WakingForwarding(sleeps: true);
        WakingRxQueue queue = forwarding.Port(0).Rx;
        WakingForwarding.Eventually(() => queue.IsArmed);

        forwarding.Arrive(0);
        WakingForwarding.Eventually(() => queue.IsArmed);
        int polls = queue.Polls;
        Thread.Sleep(TimeSpan.FromMilliseconds(250));

        Assert.Equal(1UL, forwarding.From(0).Sent);
        // A round after each sleep; a lcore that polls makes a million of them.
        Assert.InRange(queue.Polls, polls, polls + 400);
    }

    [Fact]
    public void A_lcore_that_may_not_sleep_arms_no_interrupt()
    {
        using var forwarding = new WakingForwarding(sleeps: false);
        WakingRxQueue queue = forwarding.Port(0).Rx;

        WakingForwarding.Eventually(() => queue.Polls > 10_000);

        Assert.False(queue.IsArmed);
        Assert.Null(queue.Interrupt);
    }
}
