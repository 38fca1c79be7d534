using Dataplane.Packets;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// What transmit descriptors look like where the families of devices differ: a struct, so that the queue's loops are compiled
/// for it. Alike in all are the buffer's address and length, and the bits of <see cref="TxBits"/>.
/// </summary>
internal unsafe interface ITxFormat
{
    /// <summary>The kind of descriptor that refers to data, and that the device adds the FCS.</summary>
    static abstract ulong Data { get; }

    /// <summary>What a packet may ask for that needs a context.</summary>
    static abstract MbufFlags NeedsContext { get; }

    /// <summary>What the high word has besides for a packet that asks for nothing.</summary>
    static abstract ulong Details(uint packetLength);

    /// <summary>What the high word has besides for any packet.</summary>
    static abstract ulong Details(Mbuf* mbuf);

    /// <summary>The context of a packet that needs one; never zero.</summary>
    static abstract Descriptor Context(Mbuf* mbuf);

    /// <summary>Whether the headers that a packet states fit into a context.</summary>
    static abstract bool CanDescribe(Mbuf* mbuf);
}

/// <summary>Bits of the high word of a transmit descriptor, alike in all formats.</summary>
internal static class TxBits
{
    /// <summary>EOP: the last buffer of a packet.</summary>
    public const ulong EndOfPacket = 1UL << 24;

    /// <summary>RS: the device says when it is done, by <see cref="Done"/>. On the last buffer of a packet only.</summary>
    public const ulong ReportStatus = 1UL << 27;

    /// <summary>VLE: insert the VLAN tag.</summary>
    public const ulong InsertVlan = 1UL << 30;

    /// <summary>DD: the device is done with this descriptor and all before it.</summary>
    public const ulong Done = 1UL << 32;

    /// <summary>POPTS.IXSM: fill in the checksum of the IPv4 header.</summary>
    public const ulong IpChecksum = 1UL << 40;

    /// <summary>POPTS.TXSM: finish the checksum of TCP or UDP.</summary>
    public const ulong L4Checksum = 1UL << 41;
}
