namespace Dataplane.Virtio;

/// <summary>
/// Where the fields of a network device's configuration are (struct virtio_net_config, virtio 1.2, section 5.1.4), in bytes,
/// and what stands in them. Little-endian.
/// </summary>
internal static class VirtioNetConfig
{
    /// <summary>Six octets, with VIRTIO_NET_F_MAC.</summary>
    public const int Mac = 0;

    /// <summary>16 bits, with VIRTIO_NET_F_STATUS.</summary>
    public const int Status = 6;

    /// <summary>16 bits, with VIRTIO_NET_F_MQ or VIRTIO_NET_F_RSS.</summary>
    public const int MaxVirtqueuePairs = 8;

    /// <summary>16 bits, with VIRTIO_NET_F_MTU.</summary>
    public const int Mtu = 10;

    /// <summary>32 bits, Mbit/s, with VIRTIO_NET_F_SPEED_DUPLEX; above 2^31 - 1: unknown.</summary>
    public const int Speed = 12;

    /// <summary>8 bits, with VIRTIO_NET_F_SPEED_DUPLEX: 1 is full duplex, 0 is half.</summary>
    public const int Duplex = 16;

    /// <summary>8 bits, with VIRTIO_NET_F_RSS.</summary>
    public const int RssMaxKeySize = 17;

    /// <summary>16 bits, with VIRTIO_NET_F_RSS.</summary>
    public const int RssMaxIndirectionTableLength = 18;

    /// <summary>32 bits, with VIRTIO_NET_F_RSS.</summary>
    public const int SupportedHashTypes = 20;

    /// <summary>Bytes of all of it.</summary>
    public const int Length = 24;

    /// <summary>VIRTIO_NET_S_LINK_UP in <see cref="Status"/>.</summary>
    public const ushort LinkUp = 1;
}
