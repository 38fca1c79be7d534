using System.Diagnostics;
using L2Fwd.Forwarding;

namespace L2Fwd.Statistics;

/// <summary>What had been counted at one moment. Made once and captured again and again, without allocating.</summary>
internal sealed class StatisticsSnapshot(int ports, int lcores)
{
    private readonly PortCounts[] _ports = new PortCounts[ports];
    private readonly LcoreTime[] _lcores = new LcoreTime[lcores];

    /// <summary>When it was captured, in ticks of <see cref="Stopwatch"/>.</summary>
    public long Timestamp { get; private set; }

    /// <summary>The ports, in the order of <see cref="StatisticsSource.Ports"/>.</summary>
    public ReadOnlySpan<PortCounts> Ports => _ports;

    /// <summary>The lcores, in the order of <see cref="StatisticsSource.Lcores"/>.</summary>
    public ReadOnlySpan<LcoreTime> Lcores => _lcores;

    /// <summary>All ports together.</summary>
    public PortCounts Total { get; private set; }

    /// <summary>Garbage collections of the process so far.</summary>
    public int Collections { get; private set; }

    /// <summary>
    /// Bytes of managed memory that threads have taken so far. Not the precise number: for that the runtime would stop
    /// the lcores. Threads take 8 KiB at a time, so this is what was allocated or a little more.
    /// </summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Reads what is counted now.</summary>
    public void Capture(StatisticsSource source)
    {
        Timestamp = Stopwatch.GetTimestamp();
        Collections = GC.CollectionCount(0);
        AllocatedBytes = GC.GetTotalAllocatedBytes(precise: false);
        var total = default(PortCounts);
        for (int i = 0; i < _ports.Length; i++)
        {
            _ports[i] = source.ReadPort(i);
            total += _ports[i];
        }

        Total = total;
        for (int i = 0; i < _lcores.Length; i++)
            _lcores[i] = source.Lcores[i].Loop.Statistics.Read();
    }
}
