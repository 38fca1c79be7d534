using System.Runtime.InteropServices;
using Dataplane.Packets;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// A descriptor of a ring of any kind: two words of eight bytes, little-endian, so that software and device each write it
/// with two stores. What the words mean: <see cref="IRxFormat"/>, <see cref="ITxFormat"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal struct Descriptor
{
    public ulong Low;
    public ulong High;
}

/// <summary>
/// Advanced receive descriptors with one buffer (82576 data sheet 7.1.5, 82599 7.1.6). What software writes: the buffer's
/// address, and zero. What the device writes back:
/// <code>
/// Low   3:0 RSS type   63:32 RSS hash
/// High  19:0 status   31:20 errors   47:32 length   63:48 VLAN tag
/// </code>
/// </summary>
internal readonly struct AdvancedRx : IRxFormat
{
    /// <summary>DD: the device is done with the descriptor.</summary>
    public const ulong Done = 1 << 0;

    /// <summary>EOP: the frame ends in this buffer.</summary>
    public const ulong EndOfPacket = 1 << 1;

    /// <summary>VP: the frame had a VLAN tag.</summary>
    public const ulong Vlan = 1 << 3;

    /// <summary>Lowest of two bits, L4I (checksum of TCP or UDP was looked at) and IPCS (that of IPv4 was).</summary>
    public const int CheckedShift = 5;

    /// <summary>82576 and its family: lowest of two bits, L4E (checksum of TCP or UDP is wrong) and IPE (that of IPv4 is).</summary>
    public const int GigabitErrorShift = 29;

    /// <summary>82599 and its family: the same two bits, one higher.</summary>
    public const int TenGigabitErrorShift = 30;

    public const int LengthShift = 32;

    /// <summary>In the low word: which fields were hashed; zero if none was.</summary>
    public const ulong RssType = 0xF;

    static ulong IRxFormat.Done => Done;

    static ulong IRxFormat.EndOfPacket => EndOfPacket;

    static ulong IRxFormat.Vlan => Vlan;

    static int IRxFormat.CheckedShift => CheckedShift;

    static int IRxFormat.LengthShift => LengthShift;

    static ulong IRxFormat.RssType => RssType;
}

/// <summary>
/// Advanced transmit descriptors (82576 data sheet 7.2.2, 82599 7.2.3). Data: the buffer's address, and
/// <code>
/// High  15:0 length of the buffer   23:20 type   31:24 commands   35:32 status   38:36 context   45:40 options   63:46 length of the packet
/// </code>
/// Context: what the packets behind it refer to.
/// <code>
/// Low   8:0 length of the IP header   15:9 length of the Ethernet header   31:16 VLAN tag
/// High  19:9 kind of packet   23:20 type   31:24 commands
/// </code>
/// </summary>
internal readonly unsafe struct AdvancedTx : ITxFormat
{
    /// <summary>DTYP 3 with DEXT, and IFCS: data of a packet to which the device adds the FCS.</summary>
    public const ulong Data = (3UL << 20) | (1UL << 29) | (1UL << 25);

    /// <summary>DTYP 2 with DEXT: a context.</summary>
    public const ulong Context = (2UL << 20) | (1UL << 29);

    /// <summary>CC, 82599 and its family: the packet refers to a context (7.2.3.2.4).</summary>
    public const ulong CheckContext = 1UL << 39;

    /// <summary>IDX, in a context and in the packets that refer to it: the second of the two contexts that a queue has.</summary>
    public const ulong SecondContext = 1UL << 36;

    public const int PacketLengthShift = 46;

    /// <summary>In a context, low word: the length of the Ethernet header.</summary>
    public const int ContextL2LengthShift = 9;

    /// <summary>In a context, low word: the VLAN tag.</summary>
    public const int ContextVlanShift = 16;

    /// <summary>TUCMD.IPV4, in a context's high word.</summary>
    public const ulong ContextIpv4 = 1UL << 10;

    /// <summary>TUCMD.L4T = TCP; zero is UDP.</summary>
    public const ulong ContextTcp = 1UL << 11;

    /// <summary>A context must say a length even if only a VLAN tag is inserted.</summary>
    private const uint EthernetHeader = 14;

    private const int MaxL2Length = 127;

    /// <summary>IPv4 without options.</summary>
    private const int MinL3Length = 20;
    private const int MaxL3Length = 511;

    private const MbufFlags Checksums = MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum;

    /// <summary>The context of packets that ask for nothing: it says where the Ethernet header ends.</summary>
    public static Descriptor PlainContext =>
        new() { Low = EthernetHeader << ContextL2LengthShift, High = Context | SecondContext };

    static ulong ITxFormat.Data => Data;

    static MbufFlags ITxFormat.NeedsContext => Checksums | MbufFlags.TxVlanInsert;

    static ulong ITxFormat.Details(uint packetLength) => (ulong)packetLength << PacketLengthShift;

    static ulong ITxFormat.Details(Mbuf* mbuf) => (ulong)mbuf->PacketLength << PacketLengthShift;

    /// <summary>A tag alone needs no lengths, and those of a received packet are anything.</summary>
    static bool ITxFormat.CanDescribe(Mbuf* mbuf) =>
        (mbuf->Flags & Checksums) == 0
        || (mbuf->L2Length is >= (ushort)EthernetHeader and <= MaxL2Length && mbuf->L3Length is >= MinL3Length and <= MaxL3Length);

    static Descriptor ITxFormat.Context(Mbuf* mbuf)
    {
        MbufFlags flags = mbuf->Flags;
        ulong kind = Context;
        ulong lengths = EthernetHeader << ContextL2LengthShift;
        if ((flags & Checksums) != 0)
        {
            lengths = ((ulong)mbuf->L2Length << ContextL2LengthShift) | mbuf->L3Length;
            if ((flags & MbufFlags.TxIpv6) == 0)
                kind |= ContextIpv4;
            if ((flags & MbufFlags.TxTcpChecksum) != 0)
                kind |= ContextTcp;
        }

        if ((flags & MbufFlags.TxVlanInsert) != 0)
            lengths |= (ulong)mbuf->VlanTci << ContextVlanShift;
        return new Descriptor { Low = lengths, High = kind };
    }
}
