using Dataplane.Packets;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// Legacy receive descriptors (8254x manual 3.2.3). Software writes the buffer's address and zero; the device writes
/// <code>
/// High  15:0 length   31:16 checksum over the frame   39:32 status   47:40 errors   63:48 VLAN tag
/// </code>
/// The extended ones of the 82574 are what later devices call advanced: <see cref="AdvancedRx"/>.
/// </summary>
internal readonly struct LegacyRx : IRxFormat
{
    /// <summary>Lowest of two error bits: checksum of TCP or UDP, checksum of IPv4.</summary>
    public const int ErrorShift = 45;

    /// <summary>CE, SE, SEQ, CXE and RXE: the frame came damaged.</summary>
    public const ulong FrameErrors = 0b1001_0111UL << 40;

    static ulong IRxFormat.Done => 1UL << 32;

    static ulong IRxFormat.EndOfPacket => 1UL << 33;

    static ulong IRxFormat.Vlan => 1UL << 35;

    static int IRxFormat.CheckedShift => 37;

    static int IRxFormat.LengthShift => 0;

    static ulong IRxFormat.RssType => 0;
}

/// <summary>Extended receive descriptors of the 82574 and 82583V, beyond what <see cref="AdvancedRx"/> has.</summary>
internal static class ExtendedRx
{
    /// <summary>As <see cref="LegacyRx.FrameErrors"/>.</summary>
    public const ulong FrameErrors = 0b1001_0111UL << 24;
}

/// <summary>
/// TCP/IP transmit descriptors (8254x manual 3.3.6 and 3.3.7). Data: the buffer's address, and
/// <code>
/// High  19:0 length   23:20 type   31:24 commands   35:32 status   47:40 options   63:48 VLAN tag
/// </code>
/// Context: where checksums start, stand and end, in bytes from the frame's start.
/// <code>
/// Low   IPv4: 7:0 start  15:8 place  31:16 end   TCP, UDP: 39:32 start  47:40 place  63:48 end, zero for the frame's
/// High  23:20 type   31:24 commands
/// </code>
/// </summary>
internal readonly unsafe struct E1000Tx : ITxFormat
{
    private const ulong Extended = 1UL << 29;
    private const ulong InsertFcs = 1UL << 25;
    private const ulong TypeData = 1UL << 20;
    private const ulong ContextTcp = 1UL << 24;
    private const ulong ContextIpv4 = 1UL << 25;
    private const int VlanShift = 48;

    /// <summary>Within an IPv4, a TCP and a UDP header (RFC 791, 9293, 768).</summary>
    private const uint Ipv4Checksum = 10;
    private const uint TcpChecksum = 16;
    private const uint UdpChecksum = 6;

    /// <summary>Places are bytes, and a TCP checksum ends 18 bytes into its header.</summary>
    private const int MaxHeaders = 255 - 18;

    static ulong ITxFormat.Data => Extended | InsertFcs | TypeData;

    static MbufFlags ITxFormat.NeedsContext =>
        MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum;

    static ulong ITxFormat.Details(uint packetLength) => 0;

    static ulong ITxFormat.Details(Mbuf* mbuf) => (ulong)mbuf->VlanTci << VlanShift;

    static bool ITxFormat.CanDescribe(Mbuf* mbuf) => mbuf->L2Length + mbuf->L3Length <= MaxHeaders;

    static Descriptor ITxFormat.Context(Mbuf* mbuf)
    {
        uint ip = mbuf->L2Length;
        uint l4 = ip + mbuf->L3Length;
        bool isTcp = (mbuf->Flags & MbufFlags.TxTcpChecksum) != 0;
        uint low = ip | ((ip + Ipv4Checksum) << 8) | ((l4 - 1) << 16);
        uint high = l4 | ((l4 + (isTcp ? TcpChecksum : UdpChecksum)) << 8);
        ulong kind = Extended;
        if ((mbuf->Flags & MbufFlags.TxIpv6) == 0)
            kind |= ContextIpv4;
        if (isTcp)
            kind |= ContextTcp;
        return new Descriptor { Low = low | ((ulong)high << 32), High = kind };
    }
}
