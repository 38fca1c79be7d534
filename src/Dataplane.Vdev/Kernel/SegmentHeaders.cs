using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// The headers of a frame that the kernel left uncut (GSO): found once, then rewritten for each segment as
/// RFC 9293 (TCP), RFC 768 (UDP), RFC 791 and RFC 8200 (IP) have them.
/// </summary>
internal unsafe struct SegmentHeaders
{

    private const int Ipv6Length = 40;
    private const int UdpLength = 8;
    private const ushort EtherTypeIpv4 = 0x0800;
    private const ushort EtherTypeIpv6 = 0x86DD;
    private const byte ProtocolTcp = 6;
    private const byte ProtocolUdp = 17;
    private const byte TcpFin = 0x01;
    private const byte TcpPush = 0x08;
    private const byte TcpCwr = 0x80;

    private byte* _frame;
    private int _network;
    private int _transport;
    private bool _isIpv6;
    private byte _protocol;
    private ushort _firstId;
    private uint _firstSequence;
    private byte _tcpFlags;

    /// <summary>Bytes of all headers, which every segment starts with.</summary>
    public int Length { get; private set; }

    /// <summary>Finds the headers.</summary>
    /// <param name="frame">The frame, which is rewritten in place later.</param>
    /// <param name="length">Bytes of it.</param>
    /// <param name="transport">Where the kernel says that the transport header starts.</param>
    /// <param name="gsoType">What the kernel left undone.</param>
    /// <returns>False if it is not plain TCP or UDP over IP: tunnels are not cut here.</returns>
    public bool TryParse(byte* frame, int length, int transport, byte gsoType)
    {
        _frame = frame;
        _transport = transport;
        _protocol = (gsoType & ~VirtioNetHdr.VIRTIO_NET_HDR_GSO_ECN) switch
        {
            VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV4 or VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV6 => ProtocolTcp,
            VirtioNetHdr.VIRTIO_NET_HDR_GSO_UDP_L4 => ProtocolUdp,
            _ => 0,
        };
        return _protocol != 0 && TryFindNetwork(length) && TryFindTransport(length);
    }

    /// <summary>Rewrites the headers for a segment.</summary>
    /// <param name="payload">The segment's payload.</param>
    /// <param name="count">Bytes of it.</param>
    /// <param name="position">Bytes of payload before it.</param>
    /// <param name="index">Segments before it.</param>
    /// <param name="isLast">Whether none follows.</param>
    public readonly void Rewrite(byte* payload, int count, int position, int index, bool isLast)
    {
        int transportLength = Length - _transport + count;
        byte* transport = _frame + _transport;
        RewriteNetwork(transportLength, index);
        int checksumOffset = _protocol == ProtocolTcp ? 16 : 6;
        if (_protocol == ProtocolTcp)
        {
            Write32(transport + 4, _firstSequence + (uint)position);
            byte flags = isLast ? _tcpFlags : (byte)(_tcpFlags & ~(TcpFin | TcpPush));
            transport[13] = index == 0 ? flags : (byte)(flags & ~TcpCwr);
        }
        else
            Write16(transport + 4, (ushort)transportLength);

        Write16(transport + checksumOffset, 0);
        ulong sum = SumOfPseudoHeader(transportLength)
            + InternetChecksum.Sum(transport, Length - _transport)
            + InternetChecksum.Sum(payload, count);
        Unsafe.WriteUnaligned(transport + checksumOffset, ChecksumCompletion.NonZero(InternetChecksum.Finish(sum)));
    }

    private bool TryFindNetwork(int length)
    {
        _network = FrameLimit.EthernetLength;
        while (_network + VlanTag.Length <= length && VlanTag.IsProtocol(Read16(_frame + _network - 2)))
            _network += VlanTag.Length;
        ushort etherType = Read16(_frame + _network - 2);
        _isIpv6 = etherType == EtherTypeIpv6;
        return etherType is EtherTypeIpv4 or EtherTypeIpv6 && _network + (_isIpv6 ? Ipv6Length : 20) <= length;
    }

    private bool TryFindTransport(int length)
    {
        byte* network = _frame + _network;
        int found = _isIpv6 ? FindBehindIpv6(length) : FindBehindIpv4();
        int fixedLength = _protocol == ProtocolTcp ? 20 : UdpLength;
        // Where both differ, the kernel means the header within a tunnel.
        if (found != _transport || _transport + fixedLength > length)
            return false;
        byte* transport = _frame + _transport;
        Length = _transport + (_protocol == ProtocolTcp ? (transport[12] >> 4) * 4 : UdpLength);
        if (Length < _transport + fixedLength || Length >= length)
            return false;
        _firstId = _isIpv6 ? (ushort)0 : Read16(network + 4);
        _firstSequence = BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(transport + 4, sizeof(uint)));
        _tcpFlags = _protocol == ProtocolTcp ? transport[13] : (byte)0;
        return true;
    }

    private readonly int FindBehindIpv4()
    {
        byte* network = _frame + _network;
        return network[9] == _protocol ? _network + ((network[0] & 0xF) * 4) : -1;
    }

    /// <summary>Walks over the extension headers: hop-by-hop (0), routing (43), destination (60).</summary>
    private readonly int FindBehindIpv6(int length)
    {
        byte next = _frame[_network + 6];
        int offset = _network + Ipv6Length;
        while (next is 0 or 43 or 60 && offset + 8 <= length)
        {
            next = _frame[offset];
            offset += (_frame[offset + 1] + 1) * 8;
        }

        return next == _protocol ? offset : -1;
    }

    private readonly void RewriteNetwork(int transportLength, int index)
    {
        byte* network = _frame + _network;
        int headerLength = _transport - _network;
        if (_isIpv6)
        {
            Write16(network + 4, (ushort)(headerLength - Ipv6Length + transportLength));
            return;
        }

        Write16(network + 2, (ushort)(headerLength + transportLength));
        Write16(network + 4, (ushort)(_firstId + index));
        Write16(network + 10, 0);
        Unsafe.WriteUnaligned(network + 10, InternetChecksum.Finish(InternetChecksum.Sum(network, headerLength)));
    }

    /// <summary>Addresses, length and protocol, in the order of <see cref="InternetChecksum.Sum"/>.</summary>
    private readonly ulong SumOfPseudoHeader(int transportLength)
    {
        byte* addresses = _frame + _network + (_isIpv6 ? 8 : 12);
        uint words = (uint)transportLength + _protocol;
        return InternetChecksum.Sum(addresses, _isIpv6 ? 32 : 8)
            + (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(words) : words);
    }

    private static ushort Read16(byte* data) =>
        BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(data, sizeof(ushort)));

    private static void Write16(byte* data, ushort value) =>
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(data, sizeof(ushort)), value);

    private static void Write32(byte* data, uint value) =>
        BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(data, sizeof(uint)), value);
}
