using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Virtio;
using FsCheck;
using FsCheck.Fluent;

namespace Dataplane.Core.Tests.Virtio;

public sealed class VirtioTxQueueTests
{
    public static TheoryData<ulong> Kinds => QueueBed.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_packet_is_one_descriptor_with_its_header_in_the_headroom(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        Assert.Equal(1, bed.Tx.Send([bed.TestPool.Allocate(QueueBed.Frame(100))]));

        DeviceBuffer buffer = bed.TxDevice.Take()!;

        Assert.Single(buffer.Pieces);
        Assert.Equal([.. new byte[VirtioNetHeader.Length], .. QueueBed.Frame(100)], buffer.Read());
        Assert.Equal((1u, 100u), (bed.TxCounters.Packets, bed.TxCounters.Bytes));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Packets_of_every_shape_go_out_byte_for_byte(ulong kind) =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new System.Random(seed);
            using QueueBed bed = new QueueBed((VirtioFeatures)kind, size: 16, buffers: 256).Start();
            var expected = new Queue<byte[]>();
            var taken = new List<DeviceBuffer>();
            for (int i = 0; i < 200; i++)
            {
                Packet packet = RandomPacket(bed, random, out byte[] frame);
                if (bed.Tx.Send([packet]) == 1)
                    expected.Enqueue(frame);
                else
                    packet.Free();
                while (random.Next(3) != 0 && bed.TxDevice.Take() is { } buffer)
                {
                    Assert.Equal(expected.Dequeue(), buffer.Read()[VirtioNetHeader.Length..]);
                    taken.Add(buffer);
                }

                while (taken.Count != 0 && random.Next(3) != 0)
                {
                    DeviceBuffer done = taken[random.Next(taken.Count)];
                    taken.Remove(done);
                    bed.TxDevice.Use(done, 0);
                }
            }

            Assert.Equal(0u, bed.TxCounters.Errors);
            while (bed.TxDevice.Take() is { } buffer)
                taken.Add(buffer);
            taken.ForEach(buffer => bed.TxDevice.Use(buffer, 0));
            Assert.Equal(0, bed.Tx.Clean());
            Assert.Equal(bed.Rx.Size, bed.InUse);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    [Theory]
    [MemberData(nameof(Kinds))]
    public unsafe void Data_that_the_device_does_not_reach_is_copied_and_given_back_at_once(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        byte[] foreign = GC.AllocateArray<byte>(300, pinned: true);
        QueueBed.Frame(300).CopyTo(foreign, 0);
        using var owner = new CountingOwner();

        Packet alone = Attach(200);
        Packet behind = bed.TestPool.Allocate(QueueBed.Frame(20, 9));
        Assert.True(behind.TryChain(Attach(100)));
        Assert.Equal(3, bed.Tx.Send([alone, behind, Attach(257)]));
        foreign.AsSpan().Clear();

        Assert.Equal(3, owner.Released);
        Assert.Equal((2u, 1u), (bed.TxCounters.Packets, bed.TxCounters.Errors));
        Assert.Equal(QueueBed.Frame(300)[..200], bed.TxDevice.Take()!.Read()[VirtioNetHeader.Length..]);
        Assert.Equal([.. QueueBed.Frame(20, 9), .. QueueBed.Frame(300)[..100]], bed.TxDevice.Take()!.Read()[VirtioNetHeader.Length..]);

        Packet Attach(ushort length)
        {
            Packet packet = bed.TestPool.Allocate();
            fixed (byte* data = foreign)
                packet.AttachExternal(data, length, Mbuf.NoIova, owner.Owner, cookie: 0);
            return packet;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Send_returns_fewer_when_the_ring_is_full_and_all_again_when_the_device_has_sent(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        Packet[] packets = [.. Enumerable.Range(0, 20).Select(i => bed.TestPool.Allocate(QueueBed.Frame(60, i)))];

        Assert.Equal(16, bed.Tx.Send(packets));
        Assert.Equal(0, bed.Tx.Send(packets.AsSpan(16)));
        while (bed.TxDevice.Take() is { } buffer)
            bed.TxDevice.Use(buffer, 0);
        Assert.Equal(4, bed.Tx.Send(packets.AsSpan(16)));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void What_the_device_has_when_it_is_stopped_comes_back(ulong kind)
    {
        using var bed = new QueueBed((VirtioFeatures)kind);
        for (int i = 0; i < 10; i++)
        {
            bed.Tx.Start();
            bed.Tx.Send([bed.TestPool.Allocate(QueueBed.Frame(60)), Chain(bed, QueueBed.Frame(600), 200)]);
            bed.Tx.Stop();
            Assert.Equal(0, bed.InUse);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_packet_of_more_pieces_than_the_ring_has_is_dropped_and_counted(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind, buffers: 128).Start();

        Packet[] burst = [bed.TestPool.Allocate(QueueBed.Frame(60)), Chain(bed, QueueBed.Frame(200), 10), bed.TestPool.Allocate(QueueBed.Frame(61))];
        Assert.Equal(3, bed.Tx.Send(burst));

        Assert.Equal((2u, 1u, 121u), (bed.TxCounters.Packets, bed.TxCounters.Errors, bed.TxCounters.Bytes));
        Assert.Equal([60, 61], new[] { bed.TxDevice.Take()!, bed.TxDevice.Take()! }.Select(buffer => buffer.Read().Length - VirtioNetHeader.Length));
        Assert.Null(bed.TxDevice.Take());
    }

    [Theory]
    [InlineData(128)]
    [InlineData(13)]
    [InlineData(0)]
    public unsafe void A_vlan_tag_is_put_in_wherever_the_headroom_ends(int headroom)
    {
        foreach (ulong kind in Kinds)
        {
            using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
            byte[] frame = QueueBed.Frame(90);
            Packet packet = bed.TestPool.Allocate(frame);
            SetHeadroom(packet, headroom);
            packet.Mbuf->Flags |= MbufFlags.TxVlanInsert;
            packet.Mbuf->VlanTci = 0x2005;

            Assert.Equal(1, bed.Tx.Send([packet]));

            byte[] tag = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(tag, 0x8100_2005);
            Assert.Equal([.. frame[..12], .. tag, .. frame[12..]], bed.TxDevice.Take()!.Read()[VirtioNetHeader.Length..]);
        }
    }

    [Fact]
    public unsafe void Checksums_are_left_to_the_device_where_that_was_negotiated()
    {
        using QueueBed bed = new QueueBed(VirtioFeatures.Version1 | VirtioFeatures.NetCsum).Start();
        VirtioNetHeader tcp = Send(MbufFlags.TxTcpChecksum, length: 60);
        VirtioNetHeader udp = Send(MbufFlags.TxUdpChecksum | MbufFlags.TxVlanInsert, length: 60);
        VirtioNetHeader none = Send(MbufFlags.None, length: 60);

        Assert.Equal((VirtioNetHeader.NeedsChecksum, 34, 16), (tcp.Flags, tcp.ChecksumStart, tcp.ChecksumOffset));
        Assert.Equal((VirtioNetHeader.NeedsChecksum, 38, 6), (udp.Flags, udp.ChecksumStart, udp.ChecksumOffset));
        Assert.Equal(default, none);
        Packet tooShort = Ask(MbufFlags.TxTcpChecksum, length: 51);
        Assert.Equal(1, bed.Tx.Send([tooShort]));
        Assert.Equal(1u, bed.TxCounters.Errors);

        VirtioNetHeader Send(MbufFlags flags, int length)
        {
            Assert.Equal(1, bed.Tx.Send([Ask(flags, length)]));
            return MemoryMarshal.Read<VirtioNetHeader>(bed.TxDevice.Take()!.Read());
        }

        Packet Ask(MbufFlags flags, int length)
        {
            Packet packet = bed.TestPool.Allocate(QueueBed.Frame(length));
            packet.Mbuf->Flags |= flags;
            packet.Mbuf->L2Length = 14;
            packet.Mbuf->L3Length = 20;
            return packet;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void The_device_is_notified_once_per_burst_and_only_if_it_wants_to_be(ulong kind)
    {
        using QueueBed bed = new QueueBed((VirtioFeatures)kind).Start();
        bed.TxDevice.RequestNotification();
        bed.Tx.Send([bed.TestPool.Allocate(QueueBed.Frame(60)), bed.TestPool.Allocate(QueueBed.Frame(60))]);
        Assert.Equal(1, bed.TxNotifications.Value);

        bed.TxDevice.SuppressNotifications();
        bed.Tx.Send([bed.TestPool.Allocate(QueueBed.Frame(60))]);
        bed.Tx.Send([]);
        Assert.Equal(1, bed.TxNotifications.Value);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_hostile_device_gives_no_packet_back_twice(ulong kind) =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new System.Random(seed);
            using QueueBed bed = new QueueBed((VirtioFeatures)kind, buffers: 256).Start();
            int spoiltFrom = random.Next(200);
            for (int i = 0; i < 200; i++)
            {
                Packet packet = RandomPacket(bed, random, out _);
                if (bed.Tx.Send([packet]) == 0)
                    packet.Free();
                if (i < spoiltFrom && random.Next(2) == 0 && bed.TxDevice.Take() is { } buffer)
                    bed.TxDevice.Use(random.Next(4) == 0 ? buffer with { Id = (ushort)random.Next(20) } : buffer, random.Next());
                else if (i >= spoiltFrom)
                    bed.TxDevice.WritableRing[random.Next(bed.TxDevice.WritableRing.Length)] ^= (byte)(1 << random.Next(8));
                bed.Tx.Clean();
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    /// <summary>One segment or several, with and without headroom, with data of its own or of another owner.</summary>
    private static unsafe Packet RandomPacket(QueueBed bed, System.Random random, out byte[] frame)
    {
        frame = QueueBed.Frame(random.Next(20, 250), random.Next(256));
        Packet packet = random.Next(3) switch
        {
            0 => Chain(bed, frame, 1 + (frame.Length / random.Next(1, 10))),
            _ => bed.TestPool.Allocate(frame),
        };
        if (random.Next(3) == 0)
            SetHeadroom(packet, random.Next(20));
        return packet;
    }

    private static Packet Chain(QueueBed bed, byte[] frame, int perSegment)
    {
        Packet packet = bed.TestPool.Allocate(frame.AsSpan(0, Math.Min(perSegment, frame.Length)));
        for (int at = perSegment; at < frame.Length; at += perSegment)
            Assert.True(packet.TryChain(bed.TestPool.Allocate(frame.AsSpan(at, Math.Min(perSegment, frame.Length - at)))));
        return packet;
    }

    private static unsafe void SetHeadroom(Packet packet, int headroom)
    {
        byte[] data = packet.Data.ToArray();
        packet.Mbuf->DataOffset = (ushort)headroom;
        data.CopyTo(packet.Data);
    }
}
