using System.Buffers.Binary;
using Dataplane.Packets;

namespace Dataplane.DeviceModels.Tests;

/// <summary>Ethernet frames with IP and TCP or UDP inside; checksums by RFC 1071.</summary>
/// <param name="IsIpv6">Else IPv4.</param>
/// <param name="IsTcp">Else UDP.</param>
internal sealed record IpFrame(bool IsIpv6, bool IsTcp)
{
    /// <summary>Bytes of the Ethernet header.</summary>
    public const int L2Length = 14;

    /// <summary>Where the checksum of the IPv4 header is.</summary>
    public const int IpChecksum = L2Length + 10;

    private const byte Tcp = 6;
    private const byte Udp = 17;

    /// <summary>All four kinds.</summary>
    public static IReadOnlyList<IpFrame> Kinds { get; } =
        [new(false, false), new(false, true), new(true, false), new(true, true)];

    /// <summary>To whom.</summary>
    public MacAddress Destination { get; init; } = TestFrames.Stranger;

    /// <summary>Distinguishes flows: a part of the source address and the source port.</summary>
    public ushort Flow { get; init; } = 1;

    /// <summary>Bytes behind the TCP or UDP header.</summary>
    public int PayloadLength { get; init; } = 100;

    /// <summary>Bytes of the IP header.</summary>
    public int L3Length => IsIpv6 ? 40 : 20;

    /// <summary>Where the TCP or UDP checksum is.</summary>
    public int L4Checksum => L2Length + L3Length + (IsTcp ? 16 : 6);

    private int L4Length => IsTcp ? 20 : 8;

    private byte Protocol => IsTcp ? Tcp : Udp;

    /// <summary>The frame with all checksums right.</summary>
    public byte[] Create()
    {
        byte[] frame = CreateUnfinished();
        if (!IsIpv6)
            WriteSum(frame, IpChecksum, Fold(Sum(frame.AsSpan(L2Length, L3Length))));
        WriteSum(frame, L4Checksum, Fold(Sum(frame.AsSpan(L2Length + L3Length))));
        return frame;
    }

    /// <summary>
    /// The frame as it is handed to a port that shall finish it: no checksum in the IPv4 header, the sum of the pseudo header
    /// in place of the other.
    /// </summary>
    public byte[] CreateUnfinished()
    {
        byte[] frame = new byte[L2Length + L3Length + L4Length + PayloadLength];
        Destination.CopyTo(frame);
        ReadOnlySpan<byte> source = [0x02, 0, 0, 0, 0xDD, 0x01];
        source.CopyTo(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), (ushort)(IsIpv6 ? 0x86DD : 0x0800));
        Span<byte> l3 = frame.AsSpan(L2Length);
        Span<byte> addresses = IsIpv6 ? WriteIpv6(l3) : WriteIpv4(l3);
        Span<byte> l4 = l3[L3Length..];
        BinaryPrimitives.WriteUInt16BigEndian(l4, (ushort)(1024 + Flow));
        BinaryPrimitives.WriteUInt16BigEndian(l4[2..], 4789);
        if (IsTcp)
        {
            // 20 bytes of header, ACK.
            l4[12] = 5 << 4;
            l4[13] = 1 << 4;
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(l4[4..], (ushort)l4.Length);
        }

        for (int i = L4Length; i < l4.Length; i++)
            l4[i] = (byte)(i + Flow);

        // RFC 768 and RFC 8200, 8.1: addresses, protocol and length.
        WriteSum(frame, L4Checksum, (ushort)~Fold(Sum(addresses) + Protocol + (uint)l4.Length));
        return frame;
    }

    private Span<byte> WriteIpv4(Span<byte> header)
    {
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)header.Length);
        header[8] = 64;
        header[9] = Protocol;
        ReadOnlySpan<byte> addresses = [10, 1, (byte)(Flow >> 8), (byte)Flow, 10, 2, 0, 1];
        addresses.CopyTo(header[12..]);
        return header.Slice(12, 8);
    }

    private Span<byte> WriteIpv6(Span<byte> header)
    {
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(header.Length - L3Length));
        header[6] = Protocol;
        header[7] = 64;
        ReadOnlySpan<byte> network = [0x20, 0x01, 0x0D, 0xB8];
        network.CopyTo(header[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[22..], Flow);
        network.CopyTo(header[24..]);
        header[39] = 1;
        return header.Slice(8, 32);
    }

    private static void WriteSum(Span<byte> frame, int offset, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(frame[offset..], value);

    private static uint Sum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i += 2)
            sum += (uint)((data[i] << 8) | (i + 1 < data.Length ? data[i + 1] : 0));
        return sum;
    }

    private static ushort Fold(uint sum)
    {
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}
