using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Igb.IgbVfRegisters;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>Statistics registers of a VF, by DPDK's names.</summary>
internal static class IgbVfCounters
{
    public static IReadOnlyList<HardwareCounter> Of(int queues) =>
    [
        new("rx_multicast_packets", Vfmprc, CounterKind.Running),
        new("rx_good_loopback_packets", Vfgprlbc, CounterKind.Running),
        new("tx_good_loopback_packets", Vfgptlbc, CounterKind.Running),
        new("rx_good_loopback_bytes", Vfgorlbc, CounterKind.Running),
        new("tx_good_loopback_bytes", Vfgotlbc, CounterKind.Running),
        .. IgbCounters.DroppedBy(IgbQueueRegisters.OfVirtualFunction, queues, CounterKind.ClearOnRead),
    ];
}
