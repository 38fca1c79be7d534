namespace Dataplane.Linux;

/// <summary>Packet sockets: packet(7), linux/if_packet.h, Documentation/networking/packet_mmap.rst.</summary>
[KernelConstants("linux/if_packet.h", "linux/if_ether.h")]
internal static class PacketSocket
{
    /// <summary>Every protocol; in network byte order where a socket wants it.</summary>
    public const ushort ETH_P_ALL = 0x0003;
    public const ushort ETH_P_8021Q = 0x8100;
    public const ushort ETH_P_8021AD = 0x88A8;

    public const int PACKET_OUTGOING = 4;

    public const int PACKET_ADD_MEMBERSHIP = 1;
    public const int PACKET_DROP_MEMBERSHIP = 2;
    public const int PACKET_RX_RING = 5;
    public const int PACKET_STATISTICS = 6;
    public const int PACKET_COPY_THRESH = 7;
    public const int PACKET_AUXDATA = 8;
    public const int PACKET_VERSION = 10;
    public const int PACKET_TX_RING = 13;
    public const int PACKET_VNET_HDR = 15;
    public const int PACKET_FANOUT = 18;
    public const int PACKET_QDISC_BYPASS = 20;
    public const int PACKET_IGNORE_OUTGOING = 23;

    public const int PACKET_FANOUT_HASH = 0;
    public const int PACKET_FANOUT_LB = 1;
    public const int PACKET_FANOUT_CPU = 2;
    public const int PACKET_FANOUT_ROLLOVER = 3;
    public const int PACKET_FANOUT_RND = 4;
    public const int PACKET_FANOUT_QM = 5;
    public const int PACKET_FANOUT_FLAG_UNIQUEID = 0x2000;

    public const int PACKET_MR_PROMISC = 1;
    public const int PACKET_MR_ALLMULTI = 2;

    public const uint TP_STATUS_KERNEL = 0;
    public const uint TP_STATUS_USER = 1 << 0;
    public const uint TP_STATUS_COPY = 1 << 1;
    public const uint TP_STATUS_VLAN_VALID = 1 << 4;
    public const uint TP_STATUS_VLAN_TPID_VALID = 1 << 6;

    public const uint TP_STATUS_AVAILABLE = 0;
    public const uint TP_STATUS_SEND_REQUEST = 1 << 0;
    public const uint TP_STATUS_SENDING = 1 << 1;
    public const uint TP_STATUS_WRONG_FORMAT = 1 << 2;

    [KernelConstant("linux/if_packet.h")]
    public const int TPACKET_V2 = 1;
}

/// <summary>The address of an interface for a packet socket.</summary>
[KernelStruct("struct sockaddr_ll", "linux/if_packet.h")]
internal unsafe struct SockaddrLl
{
    public ushort SllFamily;
    public ushort SllProtocol;
    public int SllIfindex;
    public ushort SllHatype;
    public byte SllPkttype;
    public byte SllHalen;
    public fixed byte SllAddr[8];
}

/// <summary>The size of a ring.</summary>
[KernelStruct("struct tpacket_req", "linux/if_packet.h")]
internal struct TpacketReq
{
    public uint TpBlockSize;
    public uint TpBlockNr;
    public uint TpFrameSize;
    public uint TpFrameNr;
}

/// <summary>What stands in front of each frame of a ring of version 2.</summary>
[KernelStruct("struct tpacket2_hdr", "linux/if_packet.h")]
internal struct Tpacket2Hdr
{
    public uint TpStatus;
    public uint TpLen;
    public uint TpSnaplen;
    public ushort TpMac;
    public ushort TpNet;
    public uint TpSec;
    public uint TpNsec;
    public ushort TpVlanTci;
    public ushort TpVlanTpid;
    public uint _padding;
}

/// <summary>What a socket has received and dropped since it was last asked.</summary>
[KernelStruct("struct tpacket_stats", "linux/if_packet.h")]
internal struct TpacketStats
{
    public uint TpPackets;
    public uint TpDrops;
}

/// <summary>A membership: the interface receives more than its own frames while the socket is open.</summary>
[KernelStruct("struct packet_mreq", "linux/if_packet.h")]
internal unsafe struct PacketMreq
{
    public int MrIfindex;
    public ushort MrType;
    public ushort MrAlen;
    public fixed byte MrAddress[8];
}

/// <summary>What a virtual device leaves to the other side: a checksum, cutting (VIRTIO 1.2, section 5.1.6).</summary>
[KernelStruct("struct virtio_net_hdr", "linux/virtio_net.h")]
internal struct VirtioNetHdr
{
    [KernelConstant("linux/virtio_net.h")] public const byte VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
    [KernelConstant("linux/virtio_net.h")] public const byte VIRTIO_NET_HDR_GSO_NONE = 0;
    [KernelConstant("linux/virtio_net.h")] public const byte VIRTIO_NET_HDR_GSO_TCPV4 = 1;
    [KernelConstant("linux/virtio_net.h")] public const byte VIRTIO_NET_HDR_GSO_TCPV6 = 4;
    [KernelConstant("linux/virtio_net.h", Recent = true)] public const byte VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
    [KernelConstant("linux/virtio_net.h")] public const byte VIRTIO_NET_HDR_GSO_ECN = 0x80;

    public byte Flags;
    public byte GsoType;
    public ushort HdrLen;
    public ushort GsoSize;
    public ushort CsumStart;
    public ushort CsumOffset;
}
