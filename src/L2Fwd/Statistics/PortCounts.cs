using Dataplane.Ports;

namespace L2Fwd.Statistics;

/// <summary>What has passed a port since the start.</summary>
/// <param name="Received">Packets that the program took from the port.</param>
/// <param name="Sent">Packets that the port took from the program.</param>
/// <param name="Dropped">Packets that the port should have sent and had no room for.</param>
/// <param name="Device">What the port itself counts: bytes, and what it lost before the program saw it.</param>
internal readonly record struct PortCounts(ulong Received, ulong Sent, ulong Dropped, PortStatistics Device)
{
    /// <summary>Adds field by field.</summary>
    public static PortCounts operator +(PortCounts left, PortCounts right) => new(
        left.Received + right.Received,
        left.Sent + right.Sent,
        left.Dropped + right.Dropped,
        new PortStatistics
        {
            InputPackets = left.Device.InputPackets + right.Device.InputPackets,
            OutputPackets = left.Device.OutputPackets + right.Device.OutputPackets,
            InputBytes = left.Device.InputBytes + right.Device.InputBytes,
            OutputBytes = left.Device.OutputBytes + right.Device.OutputBytes,
            InputMissed = left.Device.InputMissed + right.Device.InputMissed,
            InputErrors = left.Device.InputErrors + right.Device.InputErrors,
            OutputErrors = left.Device.OutputErrors + right.Device.OutputErrors,
            RxNoMbuf = left.Device.RxNoMbuf + right.Device.RxNoMbuf,
        });
}
