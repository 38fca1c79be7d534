namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>An interface of a pcapng section: the link type of its frames and the unit of their timestamps.</summary>
/// <param name="LinkType">LINKTYPE_... number.</param>
/// <param name="SnapLength">Bytes that were captured of each frame at most; 0 for all.</param>
/// <param name="TicksPerSecond">Unit of the timestamps.</param>
/// <param name="OffsetSeconds">What is added to the timestamps.</param>
internal sealed record PcapngInterface(
    ushort LinkType, uint SnapLength, ulong TicksPerSecond, long OffsetSeconds)
{
    private const ushort EndOfOptions = 0;
    private const ushort TimestampResolution = 9;
    private const ushort TimestampOffset = 14;

    /// <summary>Parses what stands between header and trailer of an interface description block.</summary>
    public static PcapngInterface Parse(CaptureInput input, ReadOnlySpan<byte> body)
    {
        var result = new PcapngInterface(
            input.ReadUInt16(body), input.ReadUInt32(body[4..]), TicksPerSecond: 1_000_000, OffsetSeconds: 0);
        for (ReadOnlySpan<byte> options = body[8..]; options.Length >= 4;)
        {
            ushort code = input.ReadUInt16(options), length = input.ReadUInt16(options[2..]);
            if (code == EndOfOptions)
                break;
            int padded = 4 + ((length + 3) & ~3);
            if (padded > options.Length)
            {
                throw input.Fault(
                    $"an interface description has an option of {length} bytes, which it has no room for");
            }

            ReadOnlySpan<byte> value = options.Slice(4, length);
            if (code == TimestampResolution && length == 1)
                result = result with { TicksPerSecond = ParseResolution(input, value[0]) };
            else if (code == TimestampOffset && length == 8)
                result = result with { OffsetSeconds = input.ReadInt64(value) };
            options = options[padded..];
        }

        return result;
    }

    /// <summary>Nanoseconds since 1970; nonsense in, nonsense out.</summary>
    public long ToNanoseconds(ulong ticks)
    {
        UInt128 nanoseconds = (UInt128)ticks * (ulong)CaptureFormats.NanosecondsPerSecond / TicksPerSecond;
        return unchecked((long)(ulong)nanoseconds + (OffsetSeconds * CaptureFormats.NanosecondsPerSecond));
    }

    /// <summary>if_tsresol: a negative power of 10, or of 2 with the highest bit set.</summary>
    private static ulong ParseResolution(CaptureInput input, byte value)
    {
        bool isBinary = (value & 0x80) != 0;
        int exponent = value & 0x7F;
        if (exponent > (isBinary ? 63 : 19))
        {
            throw input.Fault(
                $"an interface has timestamps of {(isBinary ? 2 : 10)}^-{exponent} s, finer than 64 bits can count");
        }

        if (isBinary)
            return 1UL << exponent;
        ulong ticks = 1;
        for (int i = 0; i < exponent; i++)
            ticks *= 10;
        return ticks;
    }
}
