using System.Buffers.Binary;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Virtio;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Virtio;

public sealed class VirtioRxQueueTests
{
    private const int Room = 256;

    public static TheoryData<ulong> Kinds => QueueBed.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public unsafe void Frames_start_at_the_default_headroom(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();

        bed.Deliver(QueueBed.Frame(100));
        Packet packet = bed.Receive()!.Value;

        Assert.Equal(QueueBed.Frame(100), packet.Data);
        Assert.Equal((Mbuf.DefaultHeadroom, 1, 3), (packet.Headroom, packet.SegmentCount, packet.Port));
        Assert.Equal(MbufFlags.None, packet.Mbuf->Flags);
        Assert.Equal((1u, 100u), (bed.RxCounters.Packets, bed.RxCounters.Bytes));
        packet.Free();
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Frames_keep_coming_round_after_round(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        for (int i = 0; i < 500; i++)
        {
            bed.Deliver(QueueBed.Frame(14 + (i % (Room - 14)), i));
            Assert.Equal(QueueBed.Frame(14 + (i % (Room - 14)), i), bed.ReceiveFrame());
        }

        Assert.Equal(0u, bed.RxCounters.Errors);
    }

    [Theory]
    [InlineData(VirtioFeatures.None)]
    [InlineData(VirtioFeatures.RingPacked)]
    internal void A_frame_of_several_buffers_is_a_chained_packet(VirtioFeatures ring)
    {
        using QueueBed bed = new QueueBed(ring | VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf).Start();
        for (int i = 0; i < 100; i++)
        {
            bed.Deliver(QueueBed.Frame(1000, i));
            Packet packet = bed.Receive()!.Value;
            Assert.Equal((4, 1000), (packet.SegmentCount, packet.Length));
            byte[] content = new byte[1000];
            packet.CopyTo(content);
            Assert.Equal(QueueBed.Frame(1000, i), content);
            packet.Free();
        }
    }

    [Fact]
    public void A_frame_whose_buffers_come_one_by_one_is_given_out_when_it_is_complete()
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf).Start();
        byte[] frame = QueueBed.Frame(300);
        DeviceBuffer first = bed.RxDevice.Take()!, second = bed.RxDevice.Take()!;
        byte[] header = new byte[VirtioNetHeader.Length];
        header[10] = 2;
        first.Write([.. header, .. frame[..Room]]);
        second.Write(frame.AsSpan(Room));

        bed.RxDevice.Use(first, VirtioNetHeader.Length + Room);
        Assert.Null(bed.Receive());
        bed.RxDevice.Use(second, frame.Length - Room);

        Assert.Equal(frame, bed.ReceiveFrame());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(VirtioNetHeader.Length)]
    [InlineData(VirtioNetHeader.Length + 13)]
    [InlineData(VirtioNetHeader.Length + Room + 1)]
    [InlineData(-1)]
    public void A_frame_with_an_impossible_length_is_dropped_and_counted(int written)
    {
        foreach (ulong kind in Kinds)
        {
            using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
            DeviceBuffer buffer = bed.RxDevice.Take()!;
            byte[] header = new byte[VirtioNetHeader.Length];
            header[10] = 1;
            buffer.Write(header);
            bed.RxDevice.Use(buffer, written);

            Assert.Null(bed.Receive());
            bed.Deliver(QueueBed.Frame(60));
            Assert.Equal(QueueBed.Frame(60), bed.ReceiveFrame());
            Assert.Equal((1u, 1u), (bed.RxCounters.Errors, bed.RxCounters.Packets));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(17)]
    [InlineData(ushort.MaxValue)]
    public void A_frame_of_an_impossible_number_of_buffers_is_dropped_and_counted(int buffers)
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf).Start();

        bed.Deliver(QueueBed.Frame(60), header => header with { NumBuffers = (ushort)buffers });

        Assert.Null(bed.Receive());
        Assert.Equal(1u, bed.RxCounters.Errors);
        bed.Deliver(QueueBed.Frame(60));
        Assert.Equal(QueueBed.Frame(60), bed.ReceiveFrame());
    }

    [Fact]
    public void A_frame_longer_than_any_is_dropped_and_counted()
    {
        const int Longest = 65535 + 22;
        using QueueBed bed = new QueueBed(
            VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf, size: 512, buffers: 1024).Start();
        bed.Deliver(QueueBed.Frame(Longest + 1));
        Assert.Null(bed.Receive());
        Assert.Equal(1u, bed.RxCounters.Errors);
        bed.Deliver(QueueBed.Frame(Longest));
        Assert.Equal(QueueBed.Frame(Longest), bed.ReceiveFrame());
    }

    [Fact]
    public void A_wrong_buffer_within_a_frame_spoils_that_frame_alone()
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf).Start();
        DeviceBuffer[] buffers = [bed.RxDevice.Take()!, bed.RxDevice.Take()!, bed.RxDevice.Take()!];
        byte[] header = new byte[VirtioNetHeader.Length];
        header[10] = 3;
        buffers[0].Write(header);

        bed.RxDevice.Use(buffers[0], 100);
        bed.RxDevice.Use(buffers[1], 5000);
        bed.RxDevice.Use(buffers[2], 100);
        Assert.Null(bed.Receive());
        Assert.Null(bed.Receive());
        Assert.Null(bed.Receive());

        Assert.Equal(1u, bed.RxCounters.Errors);
        bed.Deliver(QueueBed.Frame(600));
        Assert.Equal(QueueBed.Frame(600), bed.ReceiveFrame());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_hostile_device_does_no_harm(ulong kind) =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new System.Random(seed);
            using QueueBed bed = new QueueBed((VirtioFeatures)kind | VirtioFeatures.NetGuestCsum, offloads: PortOffloads.RxVlanStrip).Start();

            // Once the ring is spoilt, its descriptors no longer tell the device of the test where it may write.
            int spoiltFrom = random.Next(200);
            for (int i = 0; i < 200; i++)
            {
                if (i < spoiltFrom && random.Next(3) != 0 && bed.RxDevice.Take() is { } buffer)
                {
                    buffer.Write(QueueBed.Frame(buffer.WritableLength, random.Next()).AsSpan());
                    buffer.Pieces[0].Span[10] = (byte)random.Next(4);
                    buffer.Pieces[0].Span[11] = 0;
                    int id = random.Next(10) == 0 ? random.Next(65536) : buffer.Id;
                    bed.RxDevice.Use(buffer with { Id = (ushort)id }, random.Next(4) == 0 ? random.Next() : random.Next(300));
                }
                else if (i >= spoiltFrom)
                    bed.RxDevice.WritableRing[random.Next(bed.RxDevice.WritableRing.Length)] ^= (byte)(1 << random.Next(8));
                bed.Receive()?.Free();
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    [Theory]
    [MemberData(nameof(Kinds))]
    public void An_empty_pool_delays_nothing_that_has_arrived_and_is_counted(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind, buffers: 16).Start();
        Assert.False(bed.TestPool.Pool.TryAllocate(out _));
        var held = new List<Packet>();
        for (int i = 0; i < 16; i++)
        {
            bed.Deliver(QueueBed.Frame(60, i));
            held.Add(bed.Receive()!.Value);
        }

        Assert.Null(bed.RxDevice.Take());
        Assert.NotEqual(0u, bed.RxCounters.NoMbuf);
        held.ForEach(packet => packet.Free());
        Assert.Null(bed.Receive());
        bed.Deliver(QueueBed.Frame(60));
        Assert.Equal(QueueBed.Frame(60), bed.ReceiveFrame());
    }

    [Fact]
    public void Starting_with_too_few_buffers_says_so_and_gives_them_back()
    {
        using var bed = new QueueBed(VirtioFeatures.Version1, size: 32, buffers: 20);

        var e = Assert.Throws<DataplaneException>(bed.Rx.Start);

        Assert.Contains("20 buffers left for the 32 descriptors of rx queue 0", e.Message, StringComparison.Ordinal);
        Assert.Equal(0, bed.InUse);
    }

    [Fact]
    public unsafe void Checksums_are_told_or_finished()
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1 | VirtioFeatures.NetGuestCsum | VirtioFeatures.NetMrgRxbuf).Start();
        foreach (int length in new[] { 60, 201, 777 })
        {
            byte[] frame = QueueBed.Frame(length);
            frame[50] = frame[51] = 0;
            bed.Deliver(frame, header => header with { Flags = VirtioNetHeader.NeedsChecksum, ChecksumStart = 34, ChecksumOffset = 16 });
            Packet packet = bed.Receive()!.Value;
            byte[] content = new byte[length];
            packet.CopyTo(content);
            Assert.Equal(MbufFlags.RxL4ChecksumGood, packet.Mbuf->Flags);
            packet.Free();

            fixed (byte* data = content)
                Assert.Equal(0, InternetChecksum.Finish(InternetChecksum.Sum(data + 34, length - 34)));
        }

        bed.Deliver(QueueBed.Frame(60), header => header with { Flags = VirtioNetHeader.DataValid });
        Packet valid = bed.Receive()!.Value;
        Assert.Equal(MbufFlags.RxL4ChecksumGood, valid.Mbuf->Flags);
        valid.Free();

        bed.Deliver(QueueBed.Frame(60), header => header with { Flags = VirtioNetHeader.NeedsChecksum, ChecksumStart = 50, ChecksumOffset = 16 });
        Assert.Null(bed.Receive());
        Assert.Equal(1u, bed.RxCounters.Errors);
    }

    [Fact]
    public unsafe void A_vlan_tag_is_taken_out_where_that_is_asked_for()
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1, offloads: PortOffloads.RxVlanStrip).Start();
        byte[] frame = QueueBed.Frame(60);
        byte[] tag = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(tag, 0x8100_A123);

        bed.Deliver([.. frame[..12], .. tag, .. frame[12..]]);
        Packet packet = bed.Receive()!.Value;

        Assert.Equal(frame, packet.Data);
        Assert.Equal((MbufFlags.RxVlanStripped, 0xA123), (packet.Mbuf->Flags, packet.Mbuf->VlanTci));
        packet.Free();
        bed.Deliver(frame);
        Assert.Equal(frame, bed.ReceiveFrame());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void It_starts_and_stops_any_number_of_times(ulong kind)
    {
        using var bed = new QueueBed((VirtioFeatures)kind);
        for (int i = 0; i < 20; i++)
        {
            bed.Rx.Start();
            var device = TestDevice.Create(bed.Rx.Addresses, bed.Rx.Size, (VirtioFeatures)kind);
            for (int taken = 0; taken < i % bed.Rx.Size; taken++)
            {
                DeviceBuffer buffer = device.Take()!;
                device.Use(buffer, 0);
            }

            bed.Rx.Stop();
            Assert.Equal(0, bed.InUse);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_device_is_told_of_new_buffers_when_it_ran_out_of_them(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        for (int i = 0; i < bed.Rx.Size; i++)
            bed.Deliver(QueueBed.Frame(60));
        Assert.Null(bed.RxDevice.Take());
        bed.RxDevice.RequestNotification();

        var burst = new Packet[32];
        Assert.Equal(bed.Rx.Size, bed.Rx.Receive(burst));
        Packet.Free(burst.AsSpan(0, bed.Rx.Size));

        Assert.Equal(1, bed.RxNotifications.Value);
    }
}
