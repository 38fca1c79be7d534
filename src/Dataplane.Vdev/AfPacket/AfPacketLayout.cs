using Dataplane.Linux;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// Where things lie in a frame of a ring of version 2 (linux/if_packet.h, net/packet/af_packet.c):
/// <code>
/// received: tpacket2_hdr (32) | sockaddr_ll (20) | gap | virtio_net_hdr (10) | frame, at TpMac
/// to send:  tpacket2_hdr (32) | virtio_net_hdr (10) | frame
/// </code>
/// Both directions of a socket have the same version, and both have the virtio header or none.
/// </summary>
internal static unsafe class AfPacketLayout
{
    /// <summary>TPACKET_ALIGN(sizeof(struct tpacket2_hdr)), which it is a multiple of already.</summary>
    public const int HeaderLength = 32;

    /// <summary>The smallest frame that holds headers and 60 bytes; any smaller ring could pass nothing.</summary>
    public const int SmallestFrameSize = 160;

    /// <summary>Where a frame to send starts.</summary>
    public static int SendOffset => HeaderLength + sizeof(VirtioNetHdr);
}
