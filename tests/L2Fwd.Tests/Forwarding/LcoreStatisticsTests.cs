using System.Diagnostics;
using L2Fwd.Forwarding;

namespace L2Fwd.Tests.Forwarding;

public class LcoreStatisticsTests
{
    private static readonly TimeSpan s_round = TimeSpan.FromMilliseconds(5);

    [Fact]
    public void A_round_with_packets_behind_an_empty_one_is_busy_from_its_start()
    {
        var statistics = new LcoreStatistics();
        statistics.Start();
        statistics.RoundDone(busy: false);

        Thread.Sleep(s_round);
        statistics.RoundDone(busy: true);

        Assert.True(Stopwatch.GetElapsedTime(0, statistics.Read().Busy) >= s_round);
    }

    [Fact]
    public void An_empty_round_behind_an_empty_one_is_idle_from_its_start()
    {
        var statistics = new LcoreStatistics();
        statistics.Start();

        Thread.Sleep(s_round);
        statistics.RoundDone(busy: false);
        statistics.RoundDone(busy: true);

        Assert.True(Stopwatch.GetElapsedTime(0, statistics.Read().Idle) >= s_round);
    }
}
