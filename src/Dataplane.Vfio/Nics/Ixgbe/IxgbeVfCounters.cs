using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Statistics registers of the virtual functions (82599 8.3.5.5), by the names that DPDK's ixgbe driver gives them.</summary>
internal static class IxgbeVfCounters
{
    /// <summary>What DPDK names; the queues count packets and bytes themselves. It runs on and wraps.</summary>
    public static IReadOnlyList<HardwareCounter> All { get; } =
    [
        new("rx_multicast_packets", IxgbeVfRegisters.Vfmprc, CounterKind.Running),
    ];
}
