using System.Buffers.Binary;
using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>
/// How a device spreads frames over receive queues (struct virtio_net_rss_config, virtio 1.2, section 5.1.6.5.7).
/// </summary>
internal static class VirtioRssConfiguration
{
    /// <summary>Longest table that we ask for, as DPDK's.</summary>
    public const int MostEntries = 128;

    // VIRTIO_NET_RSS_HASH_TYPE_... (section 5.1.6.4.3.1).
    private const uint Ipv4 = 1 << 0, TcpIpv4 = 1 << 1, UdpIpv4 = 1 << 2, Ipv6 = 1 << 3, TcpIpv6 = 1 << 4, UdpIpv6 = 1 << 5;

    /// <summary>Bytes of the key, which every device must be able to take.</summary>
    public const int KeyLength = 40;

    /// <summary>The kinds of hash of a configuration that the device can.</summary>
    public static uint HashTypes(RssHash hash, uint supported)
    {
        uint types = 0;
        if ((hash & RssHash.Ip) != 0)
            types |= Ipv4 | Ipv6;
        if ((hash & RssHash.Tcp) != 0)
            types |= TcpIpv4 | TcpIpv6;
        if ((hash & RssHash.Udp) != 0)
            types |= UdpIpv4 | UdpIpv6;
        return types & supported;
    }

    /// <summary>The kinds of hash of a device.</summary>
    public static RssHash HashOf(uint supported)
    {
        RssHash hash = RssHash.None;
        if ((supported & (Ipv4 | Ipv6)) != 0)
            hash |= RssHash.Ip;
        if ((supported & (TcpIpv4 | TcpIpv6)) != 0)
            hash |= RssHash.Tcp;
        if ((supported & (UdpIpv4 | UdpIpv6)) != 0)
            hash |= RssHash.Udp;
        return hash;
    }

    /// <summary>The data of the command <see cref="VirtioNetCommand.MqRssConfig"/>.</summary>
    /// <param name="hashTypes">Of <see cref="HashTypes"/>.</param>
    /// <param name="entries">Of the table; a power of two.</param>
    /// <param name="rxQueues">Receive queues, which the entries go round.</param>
    /// <param name="txQueues">Transmit queues.</param>
    public static byte[] Encode(uint hashTypes, int entries, int rxQueues, int txQueues)
    {
        byte[] data = new byte[8 + (entries * sizeof(ushort)) + 3 + KeyLength];
        Span<byte> rest = data;
        BinaryPrimitives.WriteUInt32LittleEndian(rest, hashTypes);
        Append16(ref rest, sizeof(uint), (ushort)(entries - 1));
        Append16(ref rest, sizeof(ushort), 0);
        for (int i = 0; i < entries; i++)
            Append16(ref rest, sizeof(ushort), (ushort)(i % rxQueues));
        Append16(ref rest, sizeof(ushort), (ushort)txQueues);
        rest[sizeof(ushort)] = KeyLength;
        RssKey.Default.CopyTo(rest[(sizeof(ushort) + 1)..]);
        return data;
    }

    /// <summary>Goes on by the field before and writes one.</summary>
    private static void Append16(ref Span<byte> rest, int previous, ushort value)
    {
        rest = rest[previous..];
        BinaryPrimitives.WriteUInt16LittleEndian(rest, value);
    }
}
