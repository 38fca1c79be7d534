using Dataplane.Ports;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>What of a packet is hashed: the fields of MRQC (82599 8.2.3.7.12) and of X550's VFMRQC, which are alike.</summary>
internal static class IxgbeHash
{
    private const uint Ipv4Tcp = 1u << 16;
    private const uint Ipv4 = 1u << 17;
    private const uint Ipv6 = 1u << 20;
    private const uint Ipv6Tcp = 1u << 21;
    private const uint Ipv4Udp = 1u << 22;
    private const uint Ipv6Udp = 1u << 23;

    public static uint Fields(RssHash hash)
    {
        uint fields = 0;
        if (hash.HasFlag(RssHash.Ip))
            fields |= Ipv4 | Ipv6;
        if (hash.HasFlag(RssHash.Tcp))
            fields |= Ipv4Tcp | Ipv6Tcp;
        if (hash.HasFlag(RssHash.Udp))
            fields |= Ipv4Udp | Ipv6Udp;
        return fields;
    }
}
