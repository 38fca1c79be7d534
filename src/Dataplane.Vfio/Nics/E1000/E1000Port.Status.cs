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
        statistics.InputMissed += _counters.Total(GigabitCounters.MissedPackets);
        statistics.InputErrors += _counters.Total(GigabitCounters.CrcErrors)
            + _counters.Total(GigabitCounters.LengthErrors) + _counters.Total(GigabitCounters.RxErrors) + _counters.Total(GigabitCounters.AlignmentErrors)
            + _counters.Total(GigabitCounters.CarrierExtensionErrors);
        statistics.OutputErrors += _counters.Total(GigabitCounters.ExcessiveCollisions)
            + _counters.Total(GigabitCounters.LateCollisions);
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
