namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// What the high word of a receive descriptor means when the device has written it: a struct, so that the queue's loops are
/// compiled for it. The VLAN tag is in bits 63:48 of all formats.
/// </summary>
internal interface IRxFormat
{
    /// <summary>DD: the device is done with the descriptor.</summary>
    static abstract ulong Done { get; }

    /// <summary>EOP: the frame ends in this buffer.</summary>
    static abstract ulong EndOfPacket { get; }

    /// <summary>VP: the frame had a VLAN tag.</summary>
    static abstract ulong Vlan { get; }

    /// <summary>Lowest of two bits: the checksum of TCP or UDP was looked at, and that of IPv4 was.</summary>
    static abstract int CheckedShift { get; }

    /// <summary>Lowest bit of the buffer's length, of 16.</summary>
    static abstract int LengthShift { get; }

    /// <summary>In the low word: which fields were hashed into its high half; zero if the format has no hash.</summary>
    static abstract ulong RssType { get; }
}
