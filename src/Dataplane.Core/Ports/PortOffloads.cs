namespace Dataplane.Ports;

/// <summary>Work that a port can take from the program; asked for when it is configured.</summary>
[Flags]
public enum PortOffloads
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Rx: takes the VLAN tag out of the frame (RTE_ETH_RX_OFFLOAD_VLAN_STRIP).</summary>
    RxVlanStrip = 1 << 0,

    /// <summary>Rx: checks the IPv4 header checksum (RTE_ETH_RX_OFFLOAD_IPV4_CKSUM).</summary>
    RxIpChecksum = 1 << 1,

    /// <summary>Rx: checks TCP and UDP checksums (RTE_ETH_RX_OFFLOAD_TCP_CKSUM and _UDP_CKSUM).</summary>
    RxL4Checksum = 1 << 2,

    /// <summary>Rx: gives the hash by which the queue was chosen (RTE_ETH_RX_OFFLOAD_RSS_HASH).</summary>
    RxRssHash = 1 << 3,

    /// <summary>Rx: frames longer than a buffer come as chained packets (RTE_ETH_RX_OFFLOAD_SCATTER).</summary>
    RxScatter = 1 << 4,

    /// <summary>Tx: puts a VLAN tag into the frame where the packet asks for it (RTE_ETH_TX_OFFLOAD_VLAN_INSERT).</summary>
    TxVlanInsert = 1 << 16,

    /// <summary>Tx: fills in the IPv4 header checksum where the packet asks for it (RTE_ETH_TX_OFFLOAD_IPV4_CKSUM).</summary>
    TxIpChecksum = 1 << 17,

    /// <summary>Tx: fills in TCP and UDP checksums where the packet asks for it (RTE_ETH_TX_OFFLOAD_TCP_CKSUM and _UDP_CKSUM).</summary>
    TxL4Checksum = 1 << 18,

    /// <summary>Tx: sends chained packets (RTE_ETH_TX_OFFLOAD_MULTI_SEGS).</summary>
    TxMultiSegment = 1 << 19,
}
