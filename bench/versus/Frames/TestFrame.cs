using System.Buffers.Binary;

namespace Versus.Frames;

/// <summary>Frames with a number in them, of an EtherType that no stack answers, of all sizes that Ethernet has.</summary>
internal static class TestFrame
{
    /// <summary>IEEE Std 802: "Local Experimental EtherType 1".</summary>
    public const ushort EtherType = 0x88B5;

    /// <summary>Bytes of both addresses, which forwarding rewrites.</summary>
    public const int AddressBytes = 12;

    /// <summary>Where the number stands: behind the EtherType.</summary>
    public const int NumberOffset = AddressBytes + sizeof(ushort);

    /// <summary>Shortest frame without FCS (IEEE Std 802.3).</summary>
    public const int MinLength = 60;

    /// <summary>Longest frame without FCS.</summary>
    public const int MaxLength = 1514;

    /// <summary>Where the frames say they come from and go to: addresses of nobody.</summary>
    private static ReadOnlySpan<byte> Addresses => [0x02, 0xAA, 0, 0, 0, 0x01, 0x02, 0xBB, 0, 0, 0, 0x02];

    /// <summary>A frame with its number and a content that depends on it.</summary>
    public static byte[] Create(int number, int length)
    {
        var frame = new byte[length];
        Addresses.CopyTo(frame);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(AddressBytes), EtherType);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(NumberOffset), number);
        for (int i = NumberOffset + sizeof(int); i < length; i++)
            frame[i] = (byte)((number * 31) + i);
        return frame;
    }

    /// <summary>Frames of growing and wrapping sizes.</summary>
    public static IReadOnlyList<byte[]> CreateMixed(int count) =>
        [.. Enumerable.Range(0, count).Select(i => Create(i, MinLength + (i * 37 % (MaxLength - MinLength + 1))))];

    /// <summary>Whether a frame is one of these.</summary>
    public static bool Is(ReadOnlySpan<byte> frame) =>
        frame.Length >= MinLength && BinaryPrimitives.ReadUInt16BigEndian(frame[AddressBytes..]) == EtherType;
}
