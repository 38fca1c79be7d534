using System.Buffers.Binary;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>
/// pcap files, of either byte order and either unit. A captured length above the file's own snap length is taken as it
/// is, since there are tools that write such files; <see cref="CaptureFormats.MaxFrameLength"/> is the bound.
/// </summary>
internal sealed class PcapParser : CaptureParser
{
    private const int FileHeaderSize = 24;

    /// <summary>The lower 26 bits of the last header word; above them are flags and the length of the FCS.</summary>
    private const uint LinkTypeMask = 0x03FF_FFFF;

    private readonly uint _nanosecondsPerUnit;

    private PcapParser(uint nanosecondsPerUnit) => _nanosecondsPerUnit = nanosecondsPerUnit;

    public override bool IsBetweenRecords => true;

    /// <summary>Whether a little-endian word is what a pcap file starts with.</summary>
    public static bool IsMagicOfAnyOrder(uint word) =>
        IsMagic(word) || IsMagic(BinaryPrimitives.ReverseEndianness(word));

    /// <summary>Parses the file header of a file that starts with the magic of any byte order.</summary>
    /// <returns>Null if more of the file must be read first.</returns>
    public static PcapParser? TryCreate(CaptureInput input)
    {
        Span<byte> header = stackalloc byte[FileHeaderSize];
        if (!input.TryPeek(header))
            return null;
        input.IsBigEndian = !IsMagic(BinaryPrimitives.ReadUInt32LittleEndian(header));
        uint magic = input.ReadUInt32(header);
        ushort version = input.ReadUInt16(header[4..]);
        if (version != 2)
        {
            throw input.Fault(
                $"it has version {version}.{input.ReadUInt16(header[6..])} of the pcap format, and only 2.4 is known");
        }

        uint linkType = input.ReadUInt32(header[20..]) & LinkTypeMask;
        if (linkType != CaptureFormats.Ethernet)
            throw input.WrongLinkType((int)linkType);
        input.Advance(FileHeaderSize);
        return new PcapParser(magic == CaptureFormats.NanosecondMagic ? 1u : 1000u);
    }

    public override bool TryRead(CaptureInput input, out CaptureRecord record)
    {
        record = default;
        Span<byte> header = stackalloc byte[PcapRecordHeader.Size];
        if (!input.TryPeek(header))
            return false;
        int length = CheckFrameLength(input, input.ReadUInt32(header[8..]));
        if (input.Available < PcapRecordHeader.Size + length)
            return false;

        long seconds = input.ReadUInt32(header), fraction = input.ReadUInt32(header[4..]);
        long timestamp = (seconds * CaptureFormats.NanosecondsPerSecond) + (fraction * _nanosecondsPerUnit);
        record = new(input.Slice(PcapRecordHeader.Size, length), timestamp, input.ReadUInt32(header[12..]));
        input.Advance(PcapRecordHeader.Size + length);
        return true;
    }

    private static bool IsMagic(uint word) => word is CaptureFormats.MicrosecondMagic or CaptureFormats.NanosecondMagic;
}
