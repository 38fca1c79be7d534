using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Dataplane.Packets;

/// <summary>VLAN tags (IEEE 802.1Q) in software, for ports whose device knows none.</summary>
internal static unsafe class VlanTagging
{
    /// <summary>Bytes of a tag, behind the two addresses.</summary>
    public const int TagLength = 4;

    private const ushort Protocol = 0x8100;
    private const int AddressesLength = 2 * MacAddress.Length;
    private const int TaggedHeaderLength = AddressesLength + TagLength + sizeof(ushort);

    /// <summary>Takes the tag out of a received frame into the mbuf; nothing to do for a frame without one.</summary>
    public static void Strip(Mbuf* mbuf)
    {
        byte* data = mbuf->Buffer + mbuf->DataOffset;
        if (mbuf->DataLength < TaggedHeaderLength || ReadBigEndian(data + AddressesLength) != Protocol)
            return;
        mbuf->VlanTci = ReadBigEndian(data + AddressesLength + sizeof(ushort));
        mbuf->Flags |= MbufFlags.RxVlanStripped;
        Move(data, data + TagLength);
        mbuf->DataOffset += TagLength;
        mbuf->DataLength -= TagLength;
        mbuf->PacketLength -= TagLength;
    }

    /// <summary>Writes the two addresses of a frame and a tag behind them.</summary>
    /// <param name="frame">The frame without tag.</param>
    /// <param name="destination">Where they go; may overlap the frame.</param>
    /// <param name="tci">Priority and VLAN.</param>
    public static void Write(byte* frame, byte* destination, ushort tci)
    {
        Move(frame, destination);
        BinaryPrimitives.WriteUInt32BigEndian(
            new Span<byte>(destination + AddressesLength, TagLength), ((uint)Protocol << 16) | tci);
    }

    private static ushort ReadBigEndian(byte* at) => BinaryPrimitives.ReverseEndianness(Unsafe.ReadUnaligned<ushort>(at));

    /// <summary>Moves the two addresses; all of them are read before any is written.</summary>
    private static void Move(byte* from, byte* to)
    {
        ulong low = Unsafe.ReadUnaligned<ulong>(from);
        uint high = Unsafe.ReadUnaligned<uint>(from + sizeof(ulong));
        Unsafe.WriteUnaligned(to, low);
        Unsafe.WriteUnaligned(to + sizeof(ulong), high);
    }
}
