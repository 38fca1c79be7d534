using System.Buffers.Binary;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>What a NIC finds out about a frame: where its headers are, its checksums, its hash.</summary>
internal readonly ref struct FrameView
{
    private const int Ethernet = 14;
    private const ushort Ipv4 = 0x0800, Ipv6 = 0x86DD;
    private const byte Tcp = 6, Udp = 17;
    private const int Ipv6Header = 40;

    private readonly Span<byte> _frame;

    public FrameView(Span<byte> frame)
    {
        _frame = frame;
        if (frame.Length < Ethernet + 20)
            return;
        ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (type == Ipv4)
        {
            IsIpv4 = true;
            L4 = Ethernet + ((frame[Ethernet] & 15) * 4);
            End = Ethernet + BinaryPrimitives.ReadUInt16BigEndian(frame[(Ethernet + 2)..]);
            bool isFragment = (BinaryPrimitives.ReadUInt16BigEndian(frame[(Ethernet + 6)..]) & 0x3FFF) != 0;
            Protocol = isFragment ? (byte)0 : frame[Ethernet + 9];
        }
        else if (type == Ipv6)
        {
            IsIpv6 = true;
            L4 = Ethernet + Ipv6Header;
            End = L4 + BinaryPrimitives.ReadUInt16BigEndian(frame[(Ethernet + 4)..]);
            Protocol = frame[Ethernet + 6];
        }

        if (End > frame.Length || L4 + 8 > frame.Length)
            Protocol = 0;
    }

    public bool IsIpv4 { get; }

    public bool IsIpv6 { get; }

    public bool IsTcp => Protocol == Tcp;

    public bool IsUdp => Protocol == Udp;

    /// <summary>Where the header of TCP or UDP starts.</summary>
    public int L4 { get; }

    private int End { get; }

    private byte Protocol { get; }

    public bool IsIpChecksumGood => Fold(Sum(_frame[Ethernet..L4])) == ushort.MaxValue;

    /// <summary>Whether there is a checksum of TCP or UDP to look at; a UDP datagram may go without.</summary>
    public bool HasL4Checksum => IsTcp || (IsUdp && BinaryPrimitives.ReadUInt16BigEndian(_frame[(L4 + 6)..]) != 0);

    public bool IsL4ChecksumGood => Fold(PseudoHeader + Sum(_frame[L4..End])) == ushort.MaxValue;

    /// <summary>The sum over addresses, protocol and length (RFC 793, RFC 8200 8.1).</summary>
    public uint PseudoHeader => Sum(Addresses) + Protocol + (uint)(End - L4);

    private Span<byte> Addresses => IsIpv4 ? _frame.Slice(Ethernet + 12, 8) : _frame.Slice(Ethernet + 8, 32);

    /// <summary>
    /// The hash over addresses and perhaps ports, by the key in the order of its bytes (82599 7.1.2.8.1: the input in the order
    /// of the wire).
    /// </summary>
    public uint Hash(ReadOnlySpan<byte> key, bool withPorts)
    {
        byte[] input = [.. Addresses, .. withPorts ? _frame.Slice(L4, 4) : []];
        uint hash = 0;
        for (int bit = 0; bit < input.Length * 8; bit++)
        {
            if ((input[bit / 8] & (0x80 >> (bit % 8))) == 0)
                continue;
            ulong window = BinaryPrimitives.ReadUInt64BigEndian(key[(bit / 8)..]);
            hash ^= (uint)(window >> (32 - (bit % 8)));
        }

        return hash;
    }

    /// <summary>The sum of 16-bit words, not folded (RFC 1071).</summary>
    public static uint Sum(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i + 1 < data.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(data[i..]);
        if (data.Length % 2 != 0)
            sum += (uint)data[^1] << 8;
        return sum;
    }

    public static ushort Fold(uint sum)
    {
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)sum;
    }
}
