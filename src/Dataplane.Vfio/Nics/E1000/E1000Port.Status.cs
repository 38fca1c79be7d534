using Dataplane.Ports;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <content>Link, its interrupt, and statistics.</content>
internal sealed partial class E1000Port<TRegisters, TRx>
{
    private readonly HardwareCounters<TRegisters> _counters;
    private volatile bool _isRunning;

    protected override LinkStatus ReadLink() => _isRunning ? _hardware.ReadLink() : LinkStatus.Down;

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        _counters.Collect();
        GigabitCounters.AddTo(ref statistics, _counters);
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) =>
        _counters.AddTo(statistics);

    protected override void OnResetStatistics() => _counters.Reset();

    private void OnInterrupt()
    {
        if (_hardware.AcknowledgeInterrupt() && _isRunning)
            ReportLink(ReadLink());
    }
}
