using System.Buffers;
using System.Buffers.Binary;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>
/// pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, several interfaces; of the blocks those that
/// hold packets, while all others are passed over. Never more than one frame or one interface's options are buffered.
/// </summary>
internal sealed class PcapngParser : CaptureParser
{
    private const uint SectionHeaderBlock = CaptureFormats.PcapngMagic;
    private const uint InterfaceDescriptionBlock = 1;
    private const uint ObsoletePacketBlock = 2;
    private const uint SimplePacketBlock = 3;
    private const uint EnhancedPacketBlock = 6;

    private const uint ByteOrderMagic = 0x1A2B3C4D;

    /// <summary>Type and length stand before what a block holds, the length again behind it.</summary>
    private const int HeaderSize = 8;
    private const int TrailerSize = 4;
    private const int MinSectionHeaderSize = 28;

    /// <summary>More would only fill memory; an obsolete packet block could not name more.</summary>
    private const int MaxInterfaces = ushort.MaxValue + 1;

    private readonly List<PcapngInterface> _interfaces = [];

    // Of the block that the parser is in: its length, 0 between blocks, and what stands between us and its trailer.
    private uint _blockLength;
    private long _leftInBlock;

    private PcapngParser()
    {
    }

    public override bool IsBetweenRecords => _blockLength == 0;

    /// <summary>Parses a file that starts with the magic.</summary>
    /// <returns>Null if more of the file must be read first, to have its section header.</returns>
    public static PcapngParser? TryCreate(CaptureInput input) =>
        input.Available < MinSectionHeaderSize ? null : new PcapngParser();

    public override bool TryRead(CaptureInput input, out CaptureRecord record)
    {
        record = default;
        while (TryFinishBlock(input) && TryPeekHeader(input, out uint type, out uint length))
        {
            bool isPacket = false;
            bool isParsed = type switch
            {
                SectionHeaderBlock => TryEnterSection(input, length),
                InterfaceDescriptionBlock => TryAddInterface(input, length),
                EnhancedPacketBlock => isPacket = TryReadPacket(input, length, interfaceBytes: 4, out record),
                ObsoletePacketBlock => isPacket = TryReadPacket(input, length, interfaceBytes: 2, out record),
                SimplePacketBlock => isPacket = TryReadSimplePacket(input, length, out record),
                _ => Enter(input, length, parsed: HeaderSize),
            };
            if (isPacket || !isParsed)
                return isPacket;
        }

        return false;
    }

    /// <summary>Passes over the rest of the current block, if any.</summary>
    private bool TryFinishBlock(CaptureInput input)
    {
        if (_blockLength == 0)
            return true;
        long passed = Math.Min(_leftInBlock, input.Available);
        input.Advance(passed);
        _leftInBlock -= passed;
        Span<byte> trailer = stackalloc byte[TrailerSize];
        if (_leftInBlock != 0 || !input.TryPeek(trailer))
            return false;
        uint length = input.ReadUInt32(trailer);
        if (length != _blockLength)
            throw input.Fault($"a block ends with the length {length}, but it started with {_blockLength}");
        input.Advance(TrailerSize);
        _blockLength = 0;
        return true;
    }

    private static bool TryPeekHeader(CaptureInput input, out uint type, out uint length)
    {
        (type, length) = (0, 0);
        Span<byte> header = stackalloc byte[HeaderSize + 4];
        if (!input.TryPeek(header[..HeaderSize]))
            return false;
        type = input.ReadUInt32(header);
        if (type == SectionHeaderBlock)
        {
            // The byte order may change here, and the length already has the new one.
            if (!input.TryPeek(header))
                return false;
            uint order = BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderSize..]);
            if (order != ByteOrderMagic && BinaryPrimitives.ReverseEndianness(order) != ByteOrderMagic)
            {
                throw input.Fault(
                    $"a section header has the byte-order mark 0x{order:x8} instead of 0x{ByteOrderMagic:x8}");
            }

            input.IsBigEndian = order != ByteOrderMagic;
        }

        length = input.ReadUInt32(header[4..]);
        uint least = type switch
        {
            SectionHeaderBlock => MinSectionHeaderSize,
            InterfaceDescriptionBlock => 20,
            EnhancedPacketBlock or ObsoletePacketBlock => 32,
            SimplePacketBlock => 16,
            _ => HeaderSize + TrailerSize,
        };
        if (length < least || length > CaptureFormats.MaxBlockLength || length % 4 != 0)
        {
            throw input.Fault(
                $"a block of type {type} claims {length} bytes, which is not a multiple of 4 " +
                $"from {least} to {CaptureFormats.MaxBlockLength}");
        }

        return true;
    }

    /// <summary>Moves into a block, behind what has been parsed of it.</summary>
    private bool Enter(CaptureInput input, uint length, int parsed)
    {
        input.Advance(parsed);
        _blockLength = length;
        _leftInBlock = length - parsed - TrailerSize;
        return true;
    }

    private bool TryEnterSection(CaptureInput input, uint length)
    {
        Span<byte> header = stackalloc byte[16];
        if (!input.TryPeek(header))
            return false;
        ushort version = input.ReadUInt16(header[12..]);
        if (version != 1)
        {
            ushort minor = input.ReadUInt16(header[14..]);
            throw input.Fault($"a section has version {version}.{minor} of the pcapng format, and only 1 is known");
        }

        _interfaces.Clear();
        return Enter(input, length, header.Length);
    }

    private bool TryAddInterface(CaptureInput input, uint length)
    {
        const int FixedSize = 16;
        if (length > CaptureFormats.MaxFrameLength)
        {
            throw input.Fault(
                $"an interface description claims {length} bytes, more than {CaptureFormats.MaxFrameLength}");
        }

        if (_interfaces.Count == MaxInterfaces)
            throw input.Fault($"a section describes more than {MaxInterfaces} interfaces");
        if (input.Available < length)
            return false;
        byte[] body = input.Slice(HeaderSize, (int)length - HeaderSize - TrailerSize).ToArray();
        _interfaces.Add(PcapngInterface.Parse(input, body));
        return Enter(input, length, FixedSize);
    }

    private bool TryReadPacket(CaptureInput input, uint length, int interfaceBytes, out CaptureRecord record)
    {
        record = default;
        const int FixedSize = 28;
        Span<byte> header = stackalloc byte[FixedSize];
        if (!input.TryPeek(header))
            return false;
        Span<byte> body = header[HeaderSize..];
        PcapngInterface source = FindInterface(
            input, interfaceBytes == 2 ? input.ReadUInt16(body) : input.ReadUInt32(body));
        int captured = CheckFrameLength(input, input.ReadUInt32(body[12..]));
        if (captured > length - FixedSize - TrailerSize)
        {
            throw input.Fault(
                $"a packet block of {length} bytes claims {captured} captured bytes, which it has no room for");
        }

        if (input.Available < FixedSize + captured)
            return false;

        ulong ticks = ((ulong)input.ReadUInt32(body[4..]) << 32) | input.ReadUInt32(body[8..]);
        record = new(input.Slice(FixedSize, captured), source.ToNanoseconds(ticks), input.ReadUInt32(body[16..]));
        return Enter(input, length, FixedSize + captured);
    }

    private bool TryReadSimplePacket(CaptureInput input, uint length, out CaptureRecord record)
    {
        record = default;
        const int FixedSize = 12;
        Span<byte> header = stackalloc byte[FixedSize];
        if (!input.TryPeek(header))
            return false;
        PcapngInterface source = FindInterface(input, 0);
        uint original = input.ReadUInt32(header[HeaderSize..]);
        uint kept = source.SnapLength == 0 ? original : Math.Min(original, source.SnapLength);
        int captured = CheckFrameLength(input, kept);
        if (captured > length - FixedSize - TrailerSize)
        {
            throw input.Fault(
                $"a packet block of {length} bytes must have {captured} captured bytes, which it has no room for");
        }

        if (input.Available < FixedSize + captured)
            return false;

        record = new(input.Slice(FixedSize, captured), TimestampNs: 0, original);
        return Enter(input, length, FixedSize + captured);
    }

    private PcapngInterface FindInterface(CaptureInput input, uint index)
    {
        if (index >= (uint)_interfaces.Count)
        {
            throw input.Fault(
                $"a packet names interface {index}, but its section has described {_interfaces.Count}");
        }

        PcapngInterface found = _interfaces[(int)index];
        return found.LinkType == CaptureFormats.Ethernet ? found : throw input.WrongLinkType(found.LinkType);
    }
}
