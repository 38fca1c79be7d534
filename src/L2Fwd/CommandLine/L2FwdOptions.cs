using CommandLine;

namespace L2Fwd.CommandLine;

/// <summary>
/// What stands behind <c>--</c>. Users write DPDK's options; <see cref="L2FwdCommandLine"/> brings them into the
/// spelling that is declared here.
/// </summary>
internal sealed class L2FwdOptions
{
    /// <summary>Ports to use, a bit each; 0: none were given.</summary>
    [Option("portmask")]
    public uint PortMask { get; init; }

    /// <summary>Whether ports receive frames for any station.</summary>
    [Option("promiscuous")]
    public bool Promiscuous { get; init; }

    /// <summary>Most ports that a lcore polls.</summary>
    [Option("ports-per-lcore", Default = 1)]
    public int PortsPerLcore { get; init; } = 1;

    /// <summary>Seconds from statistics to statistics; 0: none at all.</summary>
    [Option("period", Default = 10)]
    public int Period { get; init; } = 10;

    /// <summary>Whether Ethernet addresses are rewritten.</summary>
    [Option("mac-updating", Default = true)]
    public bool? MacUpdating { get; init; } = true;

    /// <summary>Which ports forward to each other; null: neighbours.</summary>
    [Option("portmap")]
    public PortMap? PortMap { get; init; }

    /// <summary>What statistics look like.</summary>
    [Option("stats", Default = StatisticsMode.Screen)]
    public StatisticsMode Statistics { get; init; }

    /// <summary>Milliseconds from statistics to statistics; null: <see cref="Period"/> says it.</summary>
    [Option("stats-interval")]
    public int? StatisticsInterval { get; init; }

    /// <summary>Whether lcores sleep while nothing comes, until a port interrupts.</summary>
    [Option("rx-interrupt")]
    public bool RxInterrupt { get; init; }

    /// <summary>Whether Ethernet addresses are rewritten.</summary>
    public bool UpdatesMac => MacUpdating != false;
}
