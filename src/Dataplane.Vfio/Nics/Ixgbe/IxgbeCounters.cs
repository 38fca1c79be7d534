using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Statistics registers of the physical functions (82599 8.2.3.23), by the names that DPDK's ixgbe driver gives them.</summary>
internal static class IxgbeCounters
{
    /// <summary>RXMPC(0): frames that found the packet buffer full.</summary>
    public const int MissedPackets = 0x3FA0;

    /// <summary>QPRDC(0): frames that found their queue without buffers. All queues count there: RQSMR is zero.</summary>
    public const int QueueDropped = 0x1430;

    /// <summary>Frames that were broken, as DPDK sums them.</summary>
    public static IReadOnlyList<int> Broken { get; } =
        [CrcErrors, IllegalBytes, ErrorBytes, ShortDropped, LengthErrors, Undersize, Fragments, Oversize];

    private const int CrcErrors = 0x4000, IllegalBytes = 0x4004, ErrorBytes = 0x4008, ShortDropped = 0x4010;
    private const int LengthErrors = 0x4040, Undersize = 0x40A4, Fragments = 0x40A8, Oversize = 0x40AC;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<HardwareCounter> All { get; } =
    [
        new(null, MissedPackets),
        new(null, QueueDropped),
        new("rx_crc_errors", CrcErrors),
        new("rx_illegal_byte_errors", IllegalBytes),
        new("rx_error_bytes", ErrorBytes),
        new("mac_local_errors", 0x4034),
        new("mac_remote_errors", 0x4038),
        new("rx_length_errors", LengthErrors),
        new("tx_xon_packets", 0x3F60),
        new("rx_xon_packets", 0x41A4),
        new("tx_xoff_packets", 0x3F68),
        new("rx_xoff_packets", 0x41A8),
        new("rx_size_64_packets", 0x405C),
        new("rx_size_65_to_127_packets", 0x4060),
        new("rx_size_128_to_255_packets", 0x4064),
        new("rx_size_256_to_511_packets", 0x4068),
        new("rx_size_512_to_1023_packets", 0x406C),
        new("rx_size_1024_to_max_packets", 0x4070),
        new("rx_broadcast_packets", 0x4078),
        new("rx_multicast_packets", 0x407C),
        new("rx_fragment_errors", Fragments),
        new("rx_undersize_errors", Undersize),
        new("rx_oversize_errors", Oversize),
        new("rx_jabber_errors", 0x40B0),
        new("rx_management_packets", 0x40B4),
        new("rx_management_dropped", 0x40B8),
        new("tx_management_packets", 0xCF90),
        new("rx_total_packets", 0x40D0),
        new("rx_total_bytes", 0x40C0, CounterKind.ClearOnReadPair),
        new("tx_total_packets", 0x40D4),
        new("tx_size_64_packets", 0x40D8),
        new("tx_size_65_to_127_packets", 0x40DC),
        new("tx_size_128_to_255_packets", 0x40E0),
        new("tx_size_256_to_511_packets", 0x40E4),
        new("tx_size_512_to_1023_packets", 0x40E8),
        new("tx_size_1024_to_max_packets", 0x40EC),
        new("tx_multicast_packets", 0x40F0),
        new("tx_broadcast_packets", 0x40F4),
        new("rx_mac_short_packet_dropped", ShortDropped),
        new("rx_l3_l4_xsum_error", 0x4120),
    ];
}
