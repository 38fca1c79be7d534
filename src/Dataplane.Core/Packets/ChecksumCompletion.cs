using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Dataplane.Packets;

/// <summary>
/// Finishes checksums that a kernel left to the device (CHECKSUM_PARTIAL), as it does with every TCP and UDP frame
/// between virtual interfaces and virtual machines.
/// </summary>
internal static unsafe class ChecksumCompletion
{
    /// <summary>Where an SCTP header has its checksum; TCP has it at 16, UDP at 6, ICMPv6 at 2.</summary>
    private const int SctpOffset = 8;

    /// <summary>Writes the checksum; the sum of the pseudo-header stands in its field already.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="start">Where summing starts.</param>
    /// <param name="offset">Where the field is, counted from there.</param>
    /// <returns>False if that does not lie in the frame.</returns>
    public static bool TryComplete(byte* frame, int length, int start, int offset)
    {
        if (start + offset + sizeof(ushort) > length)
            return false;
        byte* data = frame + start;
        int count = length - start;
        if (offset == SctpOffset)
            return TryCompleteSctp(data, count);
        Unsafe.WriteUnaligned(data + offset, NonZero(InternetChecksum.Finish(InternetChecksum.Sum(data, count))));
        return true;
    }

    /// <summary>As the other, in a packet that may be chained; the checksum stands in its first segment.</summary>
    public static bool TryComplete(Mbuf* packet, int start, int offset)
    {
        byte* data = packet->Buffer + packet->DataOffset;
        if (packet->SegmentCount == 1)
            return TryComplete(data, packet->DataLength, start, offset);
        if (offset == SctpOffset || start + offset + sizeof(ushort) > packet->DataLength)
            return false;
        ulong sum = InternetChecksum.Sum(data + start, packet->DataLength - start);
        bool isOdd = ((packet->DataLength - start) & 1) != 0;
        for (Mbuf* segment = packet->Next; segment != null; segment = segment->Next)
        {
            // RFC 1071 section 2 (B): what starts at an odd byte is summed with its bytes swapped.
            ushort part = (ushort)~InternetChecksum.Finish(
                InternetChecksum.Sum(segment->Buffer + segment->DataOffset, segment->DataLength));
            sum += isOdd ? BinaryPrimitives.ReverseEndianness(part) : part;
            isOdd ^= (segment->DataLength & 1) != 0;
        }

        Unsafe.WriteUnaligned(data + start + offset, NonZero(InternetChecksum.Finish(sum)));
        return true;
    }

    /// <summary>A checksum of zero means "none" to UDP, and both forms of zero are equal to TCP (RFC 768).</summary>
    public static ushort NonZero(ushort checksum) => checksum == 0 ? ushort.MaxValue : checksum;

    private static bool TryCompleteSctp(byte* data, int count)
    {
        if (count < SctpOffset + sizeof(uint))
            return false;
        Unsafe.WriteUnaligned(data + SctpOffset, 0u);
        uint crc = InternetChecksum.Crc32C(new ReadOnlySpan<byte>(data, count));
        BinaryPrimitives.WriteUInt32LittleEndian(new Span<byte>(data + SctpOffset, sizeof(uint)), crc);
        return true;
    }
}
