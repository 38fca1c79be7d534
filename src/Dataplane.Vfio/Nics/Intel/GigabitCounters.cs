using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// Statistics registers that all gigabit MACs have at the same place, 82540 to I210, by the names that DPDK's igb driver gives
/// them. What each counts stands in the "statistics" section of the register chapter of its data sheet.
/// </summary>
internal static class GigabitCounters
{
    /// <summary>CRCERRS: frames with a wrong FCS.</summary>
    public const int CrcErrors = 0x4000;

    /// <summary>ALGNERRC: frames that ended within an octet.</summary>
    public const int AlignmentErrors = 0x4004;

    /// <summary>RXERRC: frames during which the PHY saw an error.</summary>
    public const int RxErrors = 0x400C;

    /// <summary>MPC: frames lost because the packet buffer was full, that is, the host was too slow.</summary>
    public const int MissedPackets = 0x4010;

    /// <summary>ECOL: frames given up after 16 collisions.</summary>
    public const int ExcessiveCollisions = 0x4018;

    /// <summary>LATECOL: collisions behind the first 64 octets.</summary>
    public const int LateCollisions = 0x4020;

    /// <summary>CEXTERR: errors in carrier extension.</summary>
    public const int CarrierExtensionErrors = 0x403C;

    /// <summary>RLEC: frames shorter or longer than allowed, or than they say.</summary>
    public const int LengthErrors = 0x4040;

    /// <summary>GPRC: frames received without error.</summary>
    public const int GoodPacketsReceived = 0x4074;

    /// <summary>GPTC: frames sent without error.</summary>
    public const int GoodPacketsTransmitted = 0x4080;

    /// <summary>GORC: octets of the frames received without error, from destination address to FCS.</summary>
    public const int GoodOctetsReceived = 0x4088;

    /// <summary>GOTC: octets of the frames sent without error, from destination address to FCS.</summary>
    public const int GoodOctetsTransmitted = 0x4090;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<HardwareCounter> All { get; } =
    [
        new("rx_crc_errors", CrcErrors),
        new("rx_align_errors", AlignmentErrors),
        new("rx_symbol_errors", 0x4008),
        new(null, RxErrors),
        new("rx_missed_packets", MissedPackets),
        new("tx_single_collision_packets", 0x4014),
        new("tx_multiple_collision_packets", 0x401C),
        new("tx_excessive_collision_packets", ExcessiveCollisions),
        new("tx_late_collisions", LateCollisions),
        new("tx_total_collisions", 0x4028),
        new("tx_deferred_packets", 0x4030),
        new("tx_no_carrier_sense_packets", 0x4034),
        new("rx_carrier_ext_errors", CarrierExtensionErrors),
        new("rx_length_errors", LengthErrors),
        new("rx_xon_packets", 0x4048),
        new("tx_xon_packets", 0x404C),
        new("rx_xoff_packets", 0x4050),
        new("tx_xoff_packets", 0x4054),
        new("rx_flow_control_unsupported_packets", 0x4058),
        new("rx_size_64_packets", 0x405C),
        new("rx_size_65_to_127_packets", 0x4060),
        new("rx_size_128_to_255_packets", 0x4064),
        new("rx_size_256_to_511_packets", 0x4068),
        new("rx_size_512_to_1023_packets", 0x406C),
        new("rx_size_1024_to_max_packets", 0x4070),
        new("rx_broadcast_packets", 0x4078),
        new("rx_multicast_packets", 0x407C),
        new("rx_undersize_errors", 0x40A4),
        new("rx_fragment_errors", 0x40A8),
        new("rx_oversize_errors", 0x40AC),
        new("rx_jabber_errors", 0x40B0),
        new("rx_management_packets", 0x40B4),
        new("rx_management_dropped", 0x40B8),
        new("tx_management_packets", 0x40BC),
        new("rx_total_packets", 0x40D0),
        new("tx_total_packets", 0x40D4),
        new("rx_total_bytes", 0x40C0, CounterKind.ClearOnReadPair),
        new("tx_total_bytes", 0x40C8, CounterKind.ClearOnReadPair),
        new("tx_size_64_packets", 0x40D8),
        new("tx_size_65_to_127_packets", 0x40DC),
        new("tx_size_128_to_255_packets", 0x40E0),
        new("tx_size_256_to_511_packets", 0x40E4),
        new("tx_size_512_to_1023_packets", 0x40E8),
        new("tx_size_1023_to_max_packets", 0x40EC),
        new("tx_multicast_packets", 0x40F0),
        new("tx_broadcast_packets", 0x40F4),
        new("tx_tso_packets", 0x40F8),
        new(null, GoodPacketsReceived),
        new(null, GoodPacketsTransmitted),
        new(null, GoodOctetsReceived, CounterKind.ClearOnReadPair),
        new(null, GoodOctetsTransmitted, CounterKind.ClearOnReadPair),
    ];

    /// <summary>Adds frames that were lost or broken to the statistics of a port; the counters are collected.</summary>
    public static void AddTo<TRegisters>(ref PortStatistics statistics, HardwareCounters<TRegisters> counters)
        where TRegisters : struct, IRegisterSpace
    {
        statistics.InputMissed += counters.Total(MissedPackets);
        statistics.InputErrors += counters.Total(CrcErrors) + counters.Total(LengthErrors) + counters.Total(RxErrors)
            + counters.Total(AlignmentErrors) + counters.Total(CarrierExtensionErrors);
        statistics.OutputErrors += counters.Total(ExcessiveCollisions) + counters.Total(LateCollisions);
    }
}
