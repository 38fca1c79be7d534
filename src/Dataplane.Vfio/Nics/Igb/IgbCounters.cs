using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>Statistics registers (82576 data sheet 8.18), by DPDK's names.</summary>
internal static class IgbCounters
{
    /// <summary>Those of a PF.</summary>
    public static IReadOnlyList<HardwareCounter> Of(IgbModel model) =>
    [
        .. GigabitCounters.All,
        new("tx_tso_errors", 0x40FC),
        new("rx_sent_to_host_packets", 0x4104),
        new("tx_sent_by_host_packets", 0x4118),
        new("rx_code_violation_packets", 0x4228),
        new("interrupt_assert_count", 0x4100),
        .. DroppedBy(
            IgbQueueRegisters.OfPhysicalFunction,
            model.Queues,
            model.KeepsDropCounters ? CounterKind.Running : CounterKind.ClearOnRead),
    ];

    /// <summary>Frames that rx queues dropped because they had no buffer.</summary>
    public static IEnumerable<HardwareCounter> DroppedBy(IgbQueueRegisters layout, int queues, CounterKind kind) =>
        Enumerable.Range(0, queues).Select(
            queue => new HardwareCounter(null, layout.Rx(queue) + IgbQueueRegisters.Dropped, kind));
}
