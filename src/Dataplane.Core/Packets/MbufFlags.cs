namespace Dataplane.Packets;

/// <summary>What a port found out about a packet (Rx...), shall do when it sends it (Tx...), or needs to know of its buffer.</summary>
[Flags]
#pragma warning disable CA1028 // The mbuf has eight bytes for them.
public enum MbufFlags : ulong
#pragma warning restore CA1028
{
    /// <summary>Nothing is known, nothing is asked.</summary>
    None = 0,

    /// <summary>The data lies in memory of another owner, who gets it back when the packet is freed.</summary>
    External = 1UL << 0,

    /// <summary>The port took the VLAN tag out of the frame into <see cref="Mbuf.VlanTci"/>.</summary>
    RxVlanStripped = 1UL << 1,

    /// <summary><see cref="Mbuf.RssHash"/> is valid.</summary>
    RxRssHash = 1UL << 2,

    /// <summary><see cref="Mbuf.Timestamp"/> is valid.</summary>
    RxTimestamp = 1UL << 3,

    /// <summary>The checksum of the IPv4 header is right.</summary>
    RxIpChecksumGood = 1UL << 4,

    /// <summary>The checksum of the IPv4 header is wrong.</summary>
    RxIpChecksumBad = 1UL << 5,

    /// <summary>The checksum of the TCP or UDP datagram is right.</summary>
    RxL4ChecksumGood = 1UL << 6,

    /// <summary>The checksum of the TCP or UDP datagram is wrong.</summary>
    RxL4ChecksumBad = 1UL << 7,

    /// <summary>The port shall put <see cref="Mbuf.VlanTci"/> into the frame.</summary>
    TxVlanInsert = 1UL << 32,

    /// <summary>
    /// The port shall fill in the checksum of the IPv4 header, which is zero in the frame. This and the following two need
    /// <see cref="Mbuf.L2Length"/> and <see cref="Mbuf.L3Length"/>.
    /// </summary>
    TxIpChecksum = 1UL << 33,

    /// <summary>The port shall finish the TCP checksum; in the frame stands the sum of the pseudo header, not complemented.</summary>
    TxTcpChecksum = 1UL << 34,

    /// <summary>The port shall finish the UDP checksum; in the frame stands the sum of the pseudo header, not complemented.</summary>
    TxUdpChecksum = 1UL << 35,

    /// <summary>With a tx checksum flag: the packet is IPv6.</summary>
    TxIpv6 = 1UL << 36,
}
