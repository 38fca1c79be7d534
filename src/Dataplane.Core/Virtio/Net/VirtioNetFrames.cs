using Dataplane.Packets;

namespace Dataplane.Virtio;

/// <summary>How long frames are.</summary>
internal static class VirtioNetFrames
{
    /// <summary>Ethernet header and a VLAN tag.</summary>
    public const int Overhead = 14 + VlanTagging.TagLength;

    /// <summary>Longest frame in any case: the largest IP packet behind addresses, type and two VLAN tags.</summary>
    public const int MaxLength = ushort.MaxValue + Overhead + VlanTagging.TagLength;

    /// <summary>VIRTIO_MAX_RX_PKTLEN of DPDK's driver, 9728, without header, addresses, type and a VLAN tag.</summary>
    public const int MaxMtu = 9728 - VirtioNetHeader.Length - Overhead;
}
