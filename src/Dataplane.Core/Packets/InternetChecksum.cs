using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dataplane.Packets;

/// <summary>The checksums of IP, TCP and UDP (RFC 1071) and of SCTP (RFC 9260, appendix A).</summary>
internal static unsafe class InternetChecksum
{
    /// <summary>
    /// The sum of all 16-bit words in the memory's own byte order, which RFC 1071 section 2 (B) allows: what is stored
    /// from it is right without swapping. Sums of pieces may be added if all pieces but the last have an even length.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong Sum(byte* data, int length)
    {
        ulong even = 0, odd = 0;
        for (; length >= 16; length -= 16, data += 16)
        {
            even += (ulong)Read32(data) + Read32(data + 4);
            odd += (ulong)Read32(data + 8) + Read32(data + 12);
        }

        for (; length >= 4; length -= 4, data += 4)
            even += Read32(data);
        if (length >= 2)
        {
            even += Unsafe.ReadUnaligned<ushort>(data);
            data += 2;
        }

        // A last odd byte counts as if a zero byte followed it.
        if ((length & 1) != 0)
            even += BitConverter.IsLittleEndian ? *data : (ulong)*data << 8;
        return even + odd;
    }

    /// <summary>The checksum of a sum: folded to 16 bits and inverted.</summary>
    public static ushort Finish(ulong sum)
    {
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>CRC-32C of an SCTP packet, as it stands in the header: little-endian by RFC 9260.</summary>
    public static uint Crc32C(ReadOnlySpan<byte> data)
    {
        uint crc = ~0u;
        for (; data.Length >= 8; data = data[8..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (byte octet in data)
            crc = BitOperations.Crc32C(crc, octet);
        return ~crc;
    }

    private static uint Read32(byte* data) => Unsafe.ReadUnaligned<uint>(data);
}
