namespace L2Fwd.CommandLine;

/// <summary>What statistics look like (<c>--stats</c>).</summary>
internal enum StatisticsMode
{
    /// <summary>DPDK's statistics screen.</summary>
    Screen,

    /// <summary>A line of JSON per period.</summary>
    Json,

    /// <summary>A table with rates that is redrawn each second, on a terminal.</summary>
    Live,
}
