using System.Buffers.Binary;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>What the port finishes in the kernel's place, against the plainest form of the same sums.</summary>
public sealed unsafe class OffloadTests
{
    private const int Ethernet = 14;

    [Fact]
    public void Sums_of_any_length_and_alignment_are_those_of_RFC_1071()
    {
        Prop.ForAll<byte[], byte>((data, shift) =>
        {
            byte[] padded = [.. new byte[shift % 8], .. data];
            fixed (byte* start = padded)
            {
                ushort sum = InternetChecksum.Finish(InternetChecksum.Sum(start + (shift % 8), data.Length));
                return BinaryPrimitives.ReverseEndianness(sum) == (ushort)~Ones(data);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void The_CRC_of_SCTP_is_the_one_that_everybody_checks_by() =>
        Assert.Equal(0xE3069283u, InternetChecksum.Crc32C("123456789"u8));

    [Fact]
    public void A_checksum_that_does_not_lie_in_the_frame_is_refused()
    {
        byte[] frame = new byte[60];
        fixed (byte* data = frame)
        {
            Assert.False(ChecksumCompletion.TryComplete(data, frame.Length, start: 44, offset: 15));
            Assert.False(ChecksumCompletion.TryComplete(data, frame.Length, start: 50, offset: 8));
            Assert.False(ChecksumCompletion.TryComplete(data, frame.Length, start: ushort.MaxValue, offset: ushort.MaxValue));
            Assert.True(ChecksumCompletion.TryComplete(data, frame.Length, start: 44, offset: 14));
        }
    }

    [Theory]
    [InlineData(false, false, 0u)]
    [InlineData(true, false, 0u)]
    [InlineData(false, true, 0u)]
    [InlineData(true, true, 0u)]
    [InlineData(false, false, 0x81000064u)]
    [InlineData(true, true, 0x88A80064u)]
    public void Segments_have_right_headers_and_carry_everything_in_order(bool isIpv6, bool isUdp, uint tag)
    {
        Prop.ForAll(Gen.Choose(1, 4000).ToArbitrary(), Gen.Choose(1, 1400).ToArbitrary(), (length, segment) =>
        {
            byte[] payload = new byte[length];
            new Random(length).NextBytes(payload);
            int tagLength = tag != 0 ? 4 : 0;
            List<byte[]> segments = Cut(Frame(isIpv6, isUdp, payload), Offload(isIpv6, isUdp, segment), tag)!;
            int network = Ethernet + tagLength;
            int transport = network + (isIpv6 ? 40 : 20);
            int headers = transport + (isUdp ? 8 : 20);
            Assert.Equal((length + segment - 1) / segment, segments.Count);
            Assert.Equal(payload, segments.SelectMany(one => one[headers..]));
            for (int i = 0; i < segments.Count; i++)
                AssertSegment(segments[i], i, segments.Count, i * segment, network, transport, isIpv6, isUdp);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Whatever_stands_in_a_frame_nothing_but_segments_or_a_refusal_comes_out()
    {
        Prop.ForAll<byte[], uint, ulong>((bytes, tag, random) =>
        {
            byte[] frame = [.. Frame(isIpv6: (random & 1) != 0, isUdp: (random & 2) != 0, bytes)];
            for (int i = 0; i < bytes.Length; i++)
                frame[(bytes[i] * 7) % frame.Length] ^= (byte)(random >> (i % 48));
            var offload = new VirtioNetHdr
            {
                Flags = (byte)(random >> 8 & 1),
                GsoType = (byte)(random >> 16),
                GsoSize = (ushort)(random >> 24 & 0x3F),
                CsumStart = (ushort)(random >> 32 & 0x7F),
                CsumOffset = (ushort)(random >> 40 & 0x1F),
            };
            Cut(frame, offload, tag);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void A_tunnel_is_refused_because_its_inner_headers_are_not_where_the_outer_say()
    {
        VirtioNetHdr offload = Offload(isIpv6: false, isUdp: false, 100);
        offload.CsumStart += 50;
        Assert.Null(Cut(Frame(isIpv6: false, isUdp: false, new byte[500]), offload, tag: 0));
    }

    private static VirtioNetHdr Offload(bool isIpv6, bool isUdp, int segment) => new()
    {
        Flags = VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM,
        GsoType = isUdp ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_UDP_L4
            : isIpv6 ? VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV6
            : VirtioNetHdr.VIRTIO_NET_HDR_GSO_TCPV4,
        GsoSize = (ushort)segment,
        CsumStart = (ushort)(Ethernet + (isIpv6 ? 40 : 20)),
        CsumOffset = (ushort)(isUdp ? 6 : 16),
    };

    /// <summary>A frame as the kernel leaves it uncut; FIN, PSH and CWR are set.</summary>
    private static byte[] Frame(bool isIpv6, bool isUdp, byte[] payload)
    {
        byte protocol = (byte)(isUdp ? 17 : 6);
        byte[] ethernet = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, (byte)(isIpv6 ? 0x86 : 0x08), (byte)(isIpv6 ? 0xDD : 0x00)];
        byte[] network = new byte[isIpv6 ? 40 : 20];
        new Random(protocol).NextBytes(network);
        network[0] = (byte)(isIpv6 ? 0x60 : 0x45);
        network[isIpv6 ? 6 : 9] = protocol;
        if (!isIpv6)
            BinaryPrimitives.WriteUInt16BigEndian(network.AsSpan(4), 0xFFFE);
        byte[] transport = new byte[isUdp ? 8 : 20];
        if (!isUdp)
        {
            BinaryPrimitives.WriteUInt32BigEndian(transport.AsSpan(4), 0xFFFF_FF00);
            transport[12] = 0x50;
            transport[13] = 0x80 | 0x10 | 0x08 | 0x01;
        }

        return [.. ethernet, .. network, .. transport, .. payload];
    }

    private static void AssertSegment(
        byte[] frame, int index, int count, int position, int network, int transport, bool isIpv6, bool isUdp)
    {
        ushort Word(int offset) => BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(offset));
        Assert.Equal(frame.Length - network - (isIpv6 ? 40 : 0), Word(network + (isIpv6 ? 4 : 2)));
        if (!isIpv6)
        {
            Assert.Equal((ushort)(0xFFFE + index), Word(network + 4));
            Assert.Equal(0xFFFF, Ones(frame.AsSpan(network, 20)));
        }

        if (isUdp)
            Assert.Equal(frame.Length - transport, Word(transport + 4));
        else
        {
            Assert.Equal(0xFFFF_FF00 + (uint)position, BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(transport + 4)));
            int expected = 0x10 | (index == 0 ? 0x80 : 0) | (index == count - 1 ? 0x09 : 0);
            Assert.Equal(expected, frame[transport + 13]);
        }

        int addresses = isIpv6 ? 32 : 8;
        byte[] pseudo = [.. frame.AsSpan(transport - addresses, addresses), 0, (byte)(isUdp ? 17 : 6), 0, 0];
        BinaryPrimitives.WriteUInt16BigEndian(pseudo.AsSpan(addresses + 2), (ushort)(frame.Length - transport));
        Assert.Equal(0xFFFF, Ones([.. pseudo, .. frame.AsSpan(transport)]));
    }

    /// <summary>Ones' complement sum of big-endian words.</summary>
    private static ushort Ones(ReadOnlySpan<byte> data)
    {
        uint sum = 0;
        for (int i = 0; i < data.Length; i++)
        {
            sum += (uint)data[i] << (i % 2 == 0 ? 8 : 0);
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return (ushort)sum;
    }

    /// <summary>Cuts a frame in bursts of three; null if it is refused.</summary>
    private static List<byte[]>? Cut(byte[] frame, VirtioNetHdr offload, uint tag)
    {
        using DataplaneMemory memory = DataplaneMemory.Create(
            new MemoryOptions { NoHuge = true, Megabytes = 4 }, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        using var pool = new Mempool(memory, new MempoolOptions { Count = 64, CacheSize = 0, DataRoom = 512 }, lcoreCount: 0);
        using var superFrame = new SuperFrame();
        *(VirtioNetHdr*)superFrame.ReceiveBuffer = offload;
        frame.CopyTo(new Span<byte>(superFrame.ReceiveBuffer + sizeof(VirtioNetHdr), frame.Length));
        if (!superFrame.TryBegin(sizeof(VirtioNetHdr) + frame.Length, tag))
            return null;
        var counters = default(QueueCounters);
        var segments = new List<byte[]>();
        Packet[] burst = new Packet[3];
        while (superFrame.HasMore)
        {
            int taken = superFrame.Take(burst, pool, Mbuf.RearmValue(0, pool), &counters);
            segments.AddRange(burst[..taken].Select(KernelPort.BytesOf));
            Packet.Free(burst.AsSpan(0, taken));
        }

        Assert.Equal(pool.Capacity, pool.Statistics.Available);
        Assert.Equal((ulong)segments.Count, counters.Packets);
        return segments;
    }
}
