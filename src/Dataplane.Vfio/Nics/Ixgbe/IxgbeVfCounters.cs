using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Statistics registers of the virtual functions (82599 8.3.5.5), by the names that DPDK's ixgbe driver gives them.</summary>
internal static class IxgbeVfCounters
{
    /// <summary>All of them. They run on and wrap.</summary>
    public static IReadOnlyList<HardwareCounter> All { get; } =
    [
        new(null, IxgbeVfRegisters.Vfgprc, CounterKind.Running),
        new(null, IxgbeVfRegisters.Vfgptc, CounterKind.Running),
        new(null, IxgbeVfRegisters.Vfgorc, CounterKind.RunningPair),
        new(null, IxgbeVfRegisters.Vfgotc, CounterKind.RunningPair),
        new("rx_multicast_packets", IxgbeVfRegisters.Vfmprc, CounterKind.Running),
    ];
}
