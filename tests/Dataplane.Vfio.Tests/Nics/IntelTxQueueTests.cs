using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vfio.Nics.Intel;
using Bed = Dataplane.Vfio.Tests.Nics.RingBed<Dataplane.Vfio.Nics.Intel.AdvancedRx>;

namespace Dataplane.Vfio.Tests.Nics;

/// <summary>Transmit rings, with the descriptors of e1000 (8254x manual 3.3.6 and 3.3.7).</summary>
public sealed unsafe class IntelTxQueueTests
{
    private const ulong Data = (1UL << 29) | (1UL << 25) | (1UL << 20);
    private const ulong EndOfPacket = 1UL << 24;
    private const ulong ReportStatus = 1UL << 27;
    private const ulong VlanEnable = 1UL << 30;
    private const ulong IpChecksum = 1UL << 40;
    private const ulong L4Checksum = 1UL << 41;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(32)]
    public void The_tail_is_written_once_per_burst_and_one_report_asked_for_in_32(int burst)
    {
        using var bed = new Bed();
        int sent = 0;
        for (int i = 1; i <= 40; i++)
        {
            Assert.Equal(burst, bed.Tx.Send([.. Enumerable.Range(0, burst).Select(_ => bed.Create(60))]));
            Assert.Equal((Bed.TxTail, (uint)((sent + burst) % Bed.Length)), bed.Writes[^1]);
            for (int end = sent + burst; sent < end; sent++)
            {
                ref Descriptor descriptor = ref bed.Tx.Ring.Descriptors[sent % Bed.Length];
                Assert.Equal(Data | EndOfPacket | 60 | (sent % 32 == 31 ? ReportStatus : 0), descriptor.High);
                if (sent % 32 == 31)
                    descriptor.High = TxBits.Done;
            }
        }

        Assert.Equal(40, bed.Writes.Count);
        Assert.Equal((ulong)sent, bed.TxCounters.Packets);
        // Buffers came back.
        Assert.InRange(bed.Pool.Statistics.InUse, 0, 96);
    }

    [Fact]
    public void A_ring_whose_device_stands_still_takes_all_but_one_descriptor_and_then_nothing()
    {
        using var bed = new Bed();
        Packet[] packets = [.. Enumerable.Range(0, Bed.Length).Select(_ => bed.Create(60))];
        Assert.Equal(Bed.Length - 1, bed.Tx.Send(packets));
        Assert.Equal(0, bed.Tx.Send(packets.AsSpan(^1)));
        Assert.Single(bed.Writes);
        // The device is done with the first 32.
        bed.Tx.Ring.Descriptors[31].High = TxBits.Done;
        Assert.Equal(1, bed.Tx.Send(packets.AsSpan(^1)));
        Assert.Equal(Bed.Length - 32, bed.Pool.Statistics.InUse);
    }

    [Fact]
    public void A_chain_has_a_descriptor_per_buffer_that_is_not_empty_and_ends_with_the_last()
    {
        using var bed = new Bed(offloads: PortOffloads.TxMultiSegment);
        Packet packet = bed.Create(100, 0, 200, 50, 0);
        Assert.Equal(1, bed.Tx.Send([packet]));
        Assert.Equal((Bed.TxTail, 3u), Assert.Single(bed.Writes));
        Descriptor* ring = bed.Tx.Ring.Descriptors;
        ulong[] written = [ring[0].High, ring[1].High, ring[2].High];
        Assert.Equal([Data | 100, Data | 200, Data | EndOfPacket | 50], written);
        Assert.Equal((ulong)packet.DataPointer, ring[0].Low);
    }

    [Theory]
    [InlineData(PortOffloads.None)]
    [InlineData(PortOffloads.TxMultiSegment)]
    public void Data_that_the_device_does_not_reach_is_copied_and_given_back_at_once(PortOffloads offloads)
    {
        using var bed = new Bed(offloads: offloads);
        using var owner = new CountingOwner();
        byte[] foreign = GC.AllocateArray<byte>(Bed.DataRoom + 1, pinned: true);
        foreign.AsSpan().Fill(7);
        Packet plain = bed.Create(60), alone = Attach(100), tooLong = Attach(Bed.DataRoom + 1), chain = bed.Create(50);
        Packet second = Attach(Bed.DataRoom), reachable = Attach(64, iova: 0xABCD);
        Assert.True(chain.TryChain(second));

        Assert.Equal(5, bed.Tx.Send([plain, alone, tooLong, chain, reachable]));
        foreign.AsSpan().Clear();

        Assert.Equal(3, owner.Released);
        Assert.Equal((4u, 1u), (bed.TxCounters.Packets, bed.TxCounters.Errors));
        Descriptor* ring = bed.Tx.Ring.Descriptors;
        ulong[] addresses = [ring[0].Low, ring[1].Low, ring[2].Low, ring[3].Low, ring[4].Low];
        Assert.Equal([AddressOf(plain), AddressOf(alone), AddressOf(chain), AddressOf(second), 0xABCD], addresses);
        Assert.Equal([.. Enumerable.Repeat((byte)7, 100)], alone.Data);
        bed.Tx.Release();
        Assert.Equal(4, owner.Released);

        static ulong AddressOf(Packet packet) => packet.Mbuf->OwnIova + packet.Mbuf->DataOffset;

        Packet Attach(int length, ulong iova = Mbuf.NoIova)
        {
            Packet packet = bed.Create(0);
            fixed (byte* data = foreign)
                packet.AttachExternal(data, (ushort)length, iova, owner.Owner, cookie: 0);
            return packet;
        }
    }

    [Fact]
    public void Blocks_with_external_data_tell_its_owner_when_the_device_is_done()
    {
        using var bed = new Bed();
        using var owner = new CountingOwner();
        for (int i = 0; i < 100; i++)
        {
            Packet packet = bed.Create(i == 40 ? 0 : 60);
            if (i == 40)
            {
                packet.AttachExternal(packet.DataPointer, 60, packet.Mbuf->OwnIova, owner.Owner, cookie: 0);
            }

            Assert.Equal(1, bed.Tx.Send([packet]));
        }

        bed.Tx.Ring.Descriptors[31].High = TxBits.Done;
        bed.Tx.Ring.Descriptors[63].High = TxBits.Done;
        Assert.Equal(1, bed.Tx.Send([bed.Create(60)]));
        Assert.Equal((1, 37), (owner.Released, bed.Pool.Statistics.InUse));
    }

    [Fact]
    public void A_context_is_written_where_headers_change_and_not_else()
    {
        using var bed = new Bed(
            offloads: PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum | PortOffloads.TxVlanInsert);
        Packet tcp = bed.Create(60), again = bed.Create(60), plain = bed.Create(60), udp = bed.Create(60);
        Ask(tcp, MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum, l3: 20);
        Ask(again, MbufFlags.TxIpChecksum | MbufFlags.TxTcpChecksum | MbufFlags.TxVlanInsert, l3: 20);
        again.Mbuf->VlanTci = 0x6789;
        Ask(udp, MbufFlags.TxUdpChecksum | MbufFlags.TxIpv6, l3: 40);
        Assert.Equal(4, bed.Tx.Send([tcp, again, plain, udp]));

        Descriptor* ring = bed.Tx.Ring.Descriptors;
        // IPCSS 14, IPCSO 24, IPCSE 33, TUCSS 34, TUCSO 50; DEXT with IP and TCP.
        Assert.Equal(14 | (24u << 8) | (33u << 16) | (34UL << 32) | (50UL << 40), ring[0].Low);
        Assert.Equal((1UL << 29) | (1UL << 25) | (1UL << 24), ring[0].High);
        Assert.Equal(Data | EndOfPacket | IpChecksum | L4Checksum | 60, ring[1].High & 0xFFFF_FFFF_FFFF);
        Assert.Equal(Data | EndOfPacket | VlanEnable | IpChecksum | L4Checksum | 60 | (0x6789UL << 48), ring[2].High);
        Assert.Equal(Data | EndOfPacket | 60, ring[3].High & 0xFFFF_FFFF_FFFF);
        // TUCSS 54, TUCSO 60; neither IP nor TCP.
        Assert.Equal(54 | (60UL << 8), ring[4].Low >> 32);
        Assert.Equal(1UL << 29, ring[4].High);
        Assert.Equal(Data | EndOfPacket | L4Checksum | 60, ring[5].High & 0xFFFF_FFFF_FFFF);
    }

    [Fact]
    public void Packets_that_cannot_be_sent_are_counted_and_do_not_stop_the_rest()
    {
        using var bed = new Bed(offloads: PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment);
        Packet headers = bed.Create(400);
        Ask(headers, MbufFlags.TxTcpChecksum, l3: 240);
        Packet[] packets =
        [
            bed.Create(60), bed.Create(16), bed.Create([.. Enumerable.Repeat(20, 33)]), headers,
            bed.Create([.. Enumerable.Repeat(501, 4)]), bed.Create([.. Enumerable.Repeat(500, 4)]),
        ];
        Assert.Equal(packets.Length, bed.Tx.Send(packets));
        Assert.Equal(4ul, bed.TxCounters.Errors);
        Assert.Equal(2ul, bed.TxCounters.Packets);
        Assert.Equal(2060ul, bed.TxCounters.Bytes);
    }

    [Fact]
    public void Odd_packets_go_out_right_from_a_queue_without_offloads_too()
    {
        using var bed = new Bed();
        Packet[] packets = [.. Enumerable.Range(0, 32).Select(i => i == 20 ? bed.Create(40, 20) : bed.Create(60))];
        Assert.Equal(32, bed.Tx.Send(packets));
        Assert.Equal((Bed.TxTail, 33u), Assert.Single(bed.Writes));
        Assert.Equal(Data | 40, bed.Tx.Ring.Descriptors[20].High);
        Assert.Equal(Data | EndOfPacket | 20, bed.Tx.Ring.Descriptors[21].High);
    }

    private static void Ask(Packet packet, MbufFlags flags, ushort l3)
    {
        packet.Mbuf->Flags = flags;
        packet.Mbuf->L2Length = 14;
        packet.Mbuf->L3Length = l3;
    }
}
