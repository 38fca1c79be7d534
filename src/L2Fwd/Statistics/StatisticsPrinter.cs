using System.Diagnostics;
using L2Fwd.Shutdown;

namespace L2Fwd.Statistics;

/// <summary>
/// Shows statistics at once and then each period, on the control thread: whichever lcores own ports, and without
/// disturbing any of them.
/// </summary>
/// <param name="source">Where they are read.</param>
/// <param name="view">How they are shown.</param>
/// <param name="period">From one to the next; zero: none at all.</param>
internal sealed class StatisticsPrinter(StatisticsSource source, IStatisticsView view, TimeSpan period) : IDisposable
{
    private StatisticsSnapshot _earlier = new(source.Ports.Count, source.Lcores.Count);
    private StatisticsSnapshot _now = new(source.Ports.Count, source.Lcores.Count);

    /// <summary>Shows statistics until the program shall end.</summary>
    public void Run(StopSignals stop)
    {
        if (period == TimeSpan.Zero)
        {
            stop.Wait(Timeout.InfiniteTimeSpan);
            return;
        }

        long start = Stopwatch.GetTimestamp();
        _now.Capture(source);
        view.Show(_now, _now);
        for (long round = 1; ; round++)
        {
            // Rounds are counted from the start, so that what printing takes does not add up.
            TimeSpan left = (round * period) - Stopwatch.GetElapsedTime(start);
            if (stop.Wait(left > TimeSpan.Zero ? left : TimeSpan.Zero))
                return;
            (_earlier, _now) = (_now, _earlier);
            _now.Capture(source);
            view.Show(_earlier, _now);
        }
    }

    /// <summary>Gives the view's terminal back.</summary>
    public void Dispose() => (view as IDisposable)?.Dispose();
}
