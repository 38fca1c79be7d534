using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// The statistics registers of the driver's devices. DPDK's em driver names none; the names are those of igb and igc.
/// </summary>
internal static class E1000Counters
{
    private static readonly IReadOnlyList<HardwareCounter> s_common =
    [
        .. GigabitCounters.All,
        new("rx_no_buffers", E1000Registers.Rnbc),
        new("tx_tso_errors", E1000Registers.Tsctfc),
    ];

    private static readonly IReadOnlyList<HardwareCounter> s_express =
    [
        .. s_common,
        new("interrupt_assert_count", E1000Registers.Iac),
    ];

    public static IReadOnlyList<HardwareCounter> Of(E1000Model model) => model.IsExpress ? s_express : s_common;
}
