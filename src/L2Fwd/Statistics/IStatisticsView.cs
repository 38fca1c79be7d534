namespace L2Fwd.Statistics;

/// <summary>A way to show statistics.</summary>
internal interface IStatisticsView
{
    /// <summary>Shows what is counted now, and rates since an earlier moment.</summary>
    void Show(StatisticsSnapshot earlier, StatisticsSnapshot now);
}
