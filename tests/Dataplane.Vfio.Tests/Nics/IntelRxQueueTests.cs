using Dataplane.Packets;
using Dataplane.Vfio.Nics.E1000;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Tests.Nics;

/// <summary>Receive rings under a device that keeps to no rule, with either format of descriptors.</summary>
public sealed class IntelRxQueueTests
{
    private const int Length = RingBed<LegacyRx>.Length;
    private const int DataRoom = RingBed<LegacyRx>.DataRoom;
    private const int RxTail = RingBed<LegacyRx>.RxTail;
    private const ulong FrameError = RingBed<LegacyRx>.FrameError;

    [Fact]
    public void The_tail_is_written_once_for_32_packets_and_nothing_is_read()
    {
        Check<LegacyRx>();
        Check<AdvancedRx>();

        static void Check<TRx>()
            where TRx : struct, IRxFormat
        {
            using RingBed<TRx> bed = new RingBed<TRx>().StartRx();
            for (int i = 0; i < 10 * Length; i++)
            {
                bed.Complete(i % Length, 60);
                Packet packet = Assert.Single(bed.Receive());
                Assert.Equal(60, packet.Length);
                packet.Free();
            }

            Assert.Equal(10 * Length / 32, bed.Writes.Count);
            // The device may use all but the descriptor that the tail names.
            Assert.Equal(
                Enumerable.Range(1, bed.Writes.Count).Select(n => (RxTail, (uint)(((32 * n) - 1) % Length))), bed.Writes);
            Assert.Equal(10ul * Length, bed.RxCounters.Packets);
            Assert.Equal(60ul * 10 * Length, bed.RxCounters.Bytes);
        }
    }

    [Fact]
    public void A_descriptor_is_not_taken_twice_when_no_buffers_are_left()
    {
        // The ring has all of them.
        using RingBed<AdvancedRx> bed = new RingBed<AdvancedRx>(buffers: Length).StartRx();
        for (int i = 0; i < Length; i++)
            bed.Complete(i, 60);
        var kept = new List<Packet>();
        for (int i = 0; i < 20; i++)
            kept.AddRange(bed.Receive());
        // 128 descriptors, of which a working device would have used 127.
        Assert.InRange(kept.Count, Length - 1, Length);
        Assert.Equal(kept.Count, kept.Distinct().Count());
        Assert.True(bed.RxCounters.NoMbuf > 0);
        Assert.Empty(bed.Writes);

        Packet.Free(kept.ToArray());
        Assert.Empty(bed.Receive());
        Assert.Equal((RxTail, Length - 1u), Assert.Single(bed.Writes));
        bed.Complete(0, 61);
        Packet packet = Assert.Single(bed.Receive());
        Assert.Equal(61, packet.Length);
        packet.Free();
    }

    [Fact]
    public void A_length_beyond_the_buffer_is_an_error_and_its_neighbours_arrive()
    {
        Check<LegacyRx>();
        Check<AdvancedRx>();

        static void Check<TRx>()
            where TRx : struct, IRxFormat
        {
            using RingBed<TRx> bed = new RingBed<TRx>().StartRx();
            int[] claims = [60, DataRoom, DataRoom + 1, 61, 65535, 62];
            for (int i = 0; i < claims.Length; i++)
                bed.Complete(i, claims[i]);
            Packet[] packets = bed.Receive();
            Assert.Equal([60, DataRoom, 61, 62], packets.Select(packet => packet.Length));
            Assert.Equal(2ul, bed.RxCounters.Errors);
            Assert.Equal(4ul, bed.RxCounters.Packets);
            Packet.Free(packets);
        }
    }

    [Fact]
    public void Frames_that_the_device_found_broken_are_dropped_and_counted()
    {
        using RingBed<LegacyRx> bed = new RingBed<LegacyRx>().StartRx();
        bed.Complete(0, 60);
        bed.Complete(1, 61, errors: FrameError);
        bed.Complete(2, DataRoom, isEnd: false);
        bed.Complete(3, 10, errors: FrameError);
        bed.Complete(4, 62);
        Packet[] packets = bed.Receive();
        Assert.Equal([60, 62], packets.Select(packet => packet.Length));
        Assert.Equal(2ul, bed.RxCounters.Errors);
        Packet.Free(packets);
    }

    [Fact]
    public void A_frame_of_several_buffers_is_a_chain_wherever_a_poll_ends()
    {
        Check<LegacyRx>();
        Check<AdvancedRx>();

        static void Check<TRx>()
            where TRx : struct, IRxFormat
        {
            using RingBed<TRx> bed = new RingBed<TRx>().StartRx();
            int descriptor = 0;
            for (int round = 0; round < 200; round++)
            {
                int parts = 1 + (round % 5);
                for (int part = 1; part <= parts; part++)
                {
                    bool isEnd = part == parts;
                    bed.Complete(descriptor++ % Length, isEnd ? 7 : DataRoom, isEnd);
                    // Polled after each part or only at the end.
                    Packet[] packets = isEnd || round % 2 == 0 ? bed.Receive() : [];
                    if (!isEnd)
                    {
                        Assert.Empty(packets);
                        continue;
                    }

                    Packet packet = Assert.Single(packets);
                    Assert.Equal(parts, packet.SegmentCount);
                    Assert.Equal((DataRoom * (parts - 1)) + 7, packet.Length);
                    packet.Free();
                }
            }
        }
    }

    [Fact]
    public void A_frame_that_never_ends_does_not_eat_the_pool()
    {
        using RingBed<AdvancedRx> bed = new RingBed<AdvancedRx>(buffers: Length + 128).StartRx();
        for (int i = 0; i < 20 * Length; i++)
        {
            bed.Complete(i % Length, DataRoom, isEnd: false);
            Assert.Empty(bed.Receive());
        }

        Assert.InRange(bed.Pool.Statistics.InUse, Length, Length + 100);
        bed.Complete(0, 1);
        bed.Complete(1, 60);
        Packet packet = Assert.Single(bed.Receive());
        Assert.Equal(60, packet.Length);
        Assert.Equal(1ul, bed.RxCounters.Errors);
        packet.Free();
    }

    [Fact]
    public void A_chain_that_is_under_way_when_the_device_stops_is_given_back()
    {
        using RingBed<AdvancedRx> bed = new RingBed<AdvancedRx>().StartRx();
        bed.Complete(0, DataRoom, isEnd: false);
        Assert.Empty(bed.Receive());
        bed.Rx.Release();
        Assert.Equal(0, bed.Pool.Statistics.InUse);
        bed.StartRx();
        bed.Complete(0, 60);
        Packet packet = Assert.Single(bed.Receive());
        Assert.Equal((60, 1), (packet.Length, packet.SegmentCount));
        packet.Free();
    }

    [Fact]
    public void A_pool_that_cannot_fill_the_ring_is_named()
    {
        using var bed = new RingBed<AdvancedRx>(buffers: Length - 1);
        DataplaneException refusal = Assert.Throws<DataplaneException>(() => bed.Rx.Fill("0000:01:00.0"));
        Assert.Contains(bed.Pool.Name, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(0, bed.Pool.Statistics.InUse);
    }
}
