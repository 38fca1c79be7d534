using System.Runtime.InteropServices;

namespace Dataplane.Vdev.Pcap.Capture;

/// <summary>
/// Numbers of the pcap format (draft-ietf-opsawg-pcap; pcap-savefile(5)) and limits that both formats share.
/// </summary>
internal static class CaptureFormats
{
    /// <summary>First word of a pcap file with timestamps in microseconds, in the byte order of its writer.</summary>
    public const uint MicrosecondMagic = 0xA1B2C3D4;

    /// <summary>First word of a pcap file with timestamps in nanoseconds.</summary>
    public const uint NanosecondMagic = 0xA1B23C4D;

    /// <summary>First word of a pcapng file, a palindrome: the type of a section header block.</summary>
    public const uint PcapngMagic = 0x0A0D0D0A;

    /// <summary>LINKTYPE_ETHERNET, also known as DLT_EN10MB.</summary>
    public const ushort Ethernet = 1;

    /// <summary>LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2, which captures on all interfaces at once have.</summary>
    public const ushort LinuxCooked = 113;
    public const ushort LinuxCooked2 = 276;

    /// <summary>Bytes of the longest frame that is believed; libpcap's MAXIMUM_SNAPLEN, tcpdump's default.</summary>
    public const int MaxFrameLength = 262_144;

    /// <summary>Bytes of the longest pcapng block that is believed; no more than a frame of it is in memory.</summary>
    public const uint MaxBlockLength = 1 << 26;

    public const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>How a link type reads in a message.</summary>
    public static string DescribeLinkType(int linkType)
    {
        string? name = linkType switch
        {
            0 => "BSD loopback",
            9 => "PPP",
            12 or 101 => "raw IP",
            105 => "802.11",
            LinuxCooked => "Linux cooked",
            127 => "802.11 with radiotap",
            189 => "Linux USB",
            227 => "SocketCAN",
            228 => "raw IPv4",
            229 => "raw IPv6",
            LinuxCooked2 => "Linux cooked v2",
            _ => null,
        };
        return name is null ? $"{linkType}" : $"{linkType} ({name})";
    }
}

/// <summary>The unit of the timestamps of a pcap file.</summary>
internal enum TimestampUnit
{
    /// <summary>10^-6 s, which every tool reads.</summary>
    Microseconds,

    /// <summary>10^-9 s.</summary>
    Nanoseconds,
}

/// <summary>What a pcap file starts with.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct PcapFileHeader(TimestampUnit unit, uint snapLength)
{
    public readonly uint Magic =
        unit == TimestampUnit.Nanoseconds ? CaptureFormats.NanosecondMagic : CaptureFormats.MicrosecondMagic;

    public readonly ushort MajorVersion = 2;
    public readonly ushort MinorVersion = 4;
    public readonly int ThisZone = 0;
    public readonly uint SignificantFigures = 0;
    public readonly uint SnapLength = snapLength;
    public readonly uint LinkType = CaptureFormats.Ethernet;
}

/// <summary>What stands before each frame of a pcap file.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct PcapRecordHeader(PcapTimestamp timestamp, int capturedLength, int originalLength)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 16;

    public readonly PcapTimestamp Timestamp = timestamp;
    public readonly uint CapturedLength = (uint)capturedLength;
    public readonly uint OriginalLength = (uint)originalLength;
}

/// <summary>A time since 1970 as a pcap file has it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct PcapTimestamp(TimestampUnit unit, long nanoseconds)
{
    public readonly uint Seconds = (uint)(nanoseconds / CaptureFormats.NanosecondsPerSecond);

    public readonly uint Fraction =
        (uint)(nanoseconds % CaptureFormats.NanosecondsPerSecond / (unit == TimestampUnit.Nanoseconds ? 1 : 1000));
}
