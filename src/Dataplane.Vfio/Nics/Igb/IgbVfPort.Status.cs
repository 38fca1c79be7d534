using Dataplane.Ports;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Igb;

/// <content>Link, what the PF says, and statistics.</content>
internal sealed partial class IgbVfPort<TRegisters>
{
    private readonly HardwareCounters<TRegisters> _counters;
    private readonly int[] _droppedBy;
    private volatile bool _isRunning;
    private bool _saidCutOff;

    protected override LinkStatus ReadLink()
    {
        if (!_isRunning)
            return LinkStatus.Down;
        LinkStatus link = _hardware.ReadLink();
        if (_hardware.IsCutOff && !_saidCutOff)
            Logger.LogWarning("{Port}: the PF was reset and has forgotten the VF; stop and start the port", Name);
        _saidCutOff = _hardware.IsCutOff;
        return link;
    }

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        _counters.Collect();
        foreach (int counter in _droppedBy)
            statistics.InputMissed += _counters.Total(counter);
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) => _counters.AddTo(statistics);

    protected override void OnResetStatistics() => _counters.Reset();

    /// <summary>The mailbox: the PF has something to say.</summary>
    private void OnInterrupt()
    {
        if (_isRunning)
            ReportLink(ReadLink());
    }
}
