using System.Buffers.Binary;

namespace Dataplane.Testing;

/// <summary>Makes Ethernet frames whose every byte is known from their number and length.</summary>
public static class TestFrame
{
    /// <summary>An EtherType that no protocol stack answers (IEEE 802 local experimental 1).</summary>
    public const ushort EtherType = 0x88B5;

    /// <summary>A broadcast frame.</summary>
    /// <param name="length">Bytes without FCS, at least 18.</param>
    /// <param name="number">Stands behind the Ethernet header, big-endian.</param>
    public static byte[] Create(int length, int number = 0)
    {
        byte[] frame = new byte[length];
        for (int i = 0; i < length; i++)
            frame[i] = (byte)((i * 7) + number);
        frame.AsSpan(0, 6).Fill(0xFF);
        ReadOnlySpan<byte> source = [0x02, 0, 0, 0, 0xDD, 0x01];
        source.CopyTo(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), EtherType);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(14), number);
        return frame;
    }

    /// <summary>The number of a frame.</summary>
    public static int NumberOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadInt32BigEndian(frame[14..]);

    /// <summary>The frame with a VLAN tag behind the addresses.</summary>
    public static byte[] Tag(ReadOnlySpan<byte> frame, ushort tci, ushort protocol = 0x8100)
    {
        byte[] tagged = new byte[frame.Length + 4];
        frame[..12].CopyTo(tagged);
        BinaryPrimitives.WriteUInt16BigEndian(tagged.AsSpan(12), protocol);
        BinaryPrimitives.WriteUInt16BigEndian(tagged.AsSpan(14), tci);
        frame[12..].CopyTo(tagged.AsSpan(16));
        return tagged;
    }
}
