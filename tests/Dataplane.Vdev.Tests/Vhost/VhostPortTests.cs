using System.Buffers.Binary;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Peers;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Tests.Vhost;

/// <summary>The port with a front end that works as it should.</summary>
public sealed class VhostPortTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Every kind of ring, with and without what changes the way of frames.</summary>
    public static TheoryData<ulong> Kinds =>
    [
        (ulong)(VirtioFeatures.Version1 | VirtioFeatures.UserProtocolFeatures),
        (ulong)FrontEnd.Usual,
        (ulong)(FrontEnd.Usual | VirtioFeatures.RingEventIdx | VirtioFeatures.InOrder),
        (ulong)(FrontEnd.Usual | VirtioFeatures.RingPacked),
        (ulong)(FrontEnd.Usual | VirtioFeatures.RingPacked | VirtioFeatures.RingEventIdx | VirtioFeatures.InOrder),
        (ulong)VirtioFeatures.AnyLayout,
        (ulong)(VirtioFeatures.AnyLayout | VirtioFeatures.NetMrgRxbuf),
    ];

    private string Path => _folder["vhost.sock"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Frames_of_every_size_and_shape_are_received(ulong features)
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features);
        FrontEndRing ring = guest.Sender;
        bool hasIndirect = ((VirtioFeatures)features).HasFlag(VirtioFeatures.RingIndirectDesc);
        int number = 0;
        foreach (int length in new[] { 14, 60, 64, 127, 128, 129, 255, 256, 257, 300, 1514, 1518, 2048, 2176, 2177, 4000, 9018 })
        {
            foreach ((int pieces, bool isIndirect) in new[] { (1, false), (2, false), (3, false), (1, true), (4, true) })
            {
                if (isIndirect && !hasIndirect)
                    continue;
                byte[] frame = Frame(length, ++number);
                ring.Send(frame, pieces, isIndirect);

                Packet packet = Assert.Single(runtime.Receive(0));
                Assert.Equal(frame, BytesOf(packet));
                Assert.Equal(0, packet.Port);
                Assert.Equal(length > 256 && length <= 2176 && pieces == 1, packet.SegmentCount == 2 && packet.Data.Length == 128);
                packet.Free();
                Assert.Empty(runtime.Receive(0));
                Assert.Equal(0u, Assert.Single(ring.TakeUsed()).Written);
            }
        }

        QueueCounters counters = runtime[0].GetRxQueueStatistics(0);
        Assert.Equal((ulong)number, counters.Packets);
        Assert.Equal(0u, counters.Errors + counters.NoMbuf);
        Assert.Equal(0, runtime.InUse);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Frames_of_every_size_are_sent_into_buffers_of_every_shape(ulong features)
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features);
        FrontEndRing ring = guest.Receiver;
        bool isMergeable = ((VirtioFeatures)features).HasFlag(VirtioFeatures.NetMrgRxbuf);
        int number = 0;
        foreach (int length in new[] { 1, 7, 14, 60, 64, 127, 128, 129, 1514, 1518, 2000, 4000, 9018 })
        {
            foreach ((int pieces, int bufferLength) in new[] { (1, FrontEndRing.SlotLength), (3, FrontEndRing.SlotLength), (1, 1024), (2, 2048) })
            {
                if (!isMergeable && length + 12 > bufferLength)
                    continue;
                byte[] frame = Frame(length, ++number);
                int buffers = Math.Max(1, (length + 12 + bufferLength - 1) / bufferLength);
                ring.Post(buffers, bufferLength, pieces);

                Assert.Equal(1, runtime.Send(0, Chain(runtime, frame)));
                Assert.Equal(frame, Assert.Single(ring.Receive(out VirtioNetHeader header)));
                Assert.Equal(0, header.Flags);
                Assert.Equal(0, runtime.InUse);
            }
        }

        Assert.Equal((ulong)number, runtime[0].GetTxQueueStatistics(0).Packets);
        Assert.Equal(0u, runtime[0].GetTxQueueStatistics(0).Errors);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bursts_go_round_and_round_in_order(ulong features)
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features, size: 16);
        var random = new Random(7);
        int sent = 0, received = 0, posted = 0;
        for (int round = 0; round < 3000; round++)
        {
            for (int i = random.Next(5); i > 0 && sent - received < 12; i--)
                guest.Sender.Send(Frame(random.Next(60, 1518), sent++));
            for (; posted - received < 14; posted++)
                guest.Receiver.Post(1, 2048);
            Packet[] burst = runtime.Receive(0, random.Next(1, 9));
            Assert.Equal(burst.Length, runtime.Send(0, burst));
            foreach (byte[] frame in guest.Receiver.Receive())
                Assert.Equal(Frame(frame.Length, received++), frame);
            guest.Sender.TakeUsed();
        }

        Assert.True(received > 2000);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_packet_that_is_kept_keeps_its_buffer_and_no_other(ulong features)
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features);
        byte[] frame = Frame(1000, 1);
        int kept = guest.Sender.Send(frame);
        Packet packet = Assert.Single(runtime.Receive(0));
        guest.Sender.Send(Frame(1000, 2));
        guest.Sender.Send(Frame(60, 3));
        Packet[] others = runtime.Receive(0);
        Assert.Equal(2, others.Length);
        Packet.Free(others);
        Assert.Empty(guest.Sender.TakeUsed());

        var used = new List<UsedBuffer>();
        for (int polls = 0; polls < 20_000; polls++)
        {
            Assert.Empty(runtime.Receive(0));
            used.AddRange(guest.Sender.TakeUsed());
        }

        bool keepsOrder = ((VirtioFeatures)features).HasFlag(VirtioFeatures.InOrder);
        Assert.Equal(keepsOrder ? 0 : 2, used.Count);
        Assert.DoesNotContain(used, buffer => buffer.Token == kept);
        Assert.Equal(frame, BytesOf(packet));
        packet.Free();
        Assert.Empty(runtime.Receive(0));
        Assert.Equal(kept, guest.Sender.TakeUsed()[0].Token);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_ring_that_is_stopped_gives_all_buffers_back_and_goes_on_where_it_stands(ulong features)
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features, size: 8);
        for (int round = 0; round < 6; round++)
        {
            for (int i = 0; i < 5; i++)
                guest.Sender.Send(Frame(1000, i));
            Packet[] packets = runtime.Receive(0);
            Assert.Equal(5, packets.Length);
            uint position = guest.StopRing(guest.Sender);
            Assert.Equal(5, guest.Sender.TakeUsed().Count);
            Assert.Empty(runtime.Receive(0));
            guest.Sender.Base = position;
            guest.StartRing(guest.Sender);
            guest.Synchronize();
            Packet.Free(packets);
        }

        FrontEnd.WaitUntil(() => runtime.InUse == 0);
    }

    [Fact]
    public void A_guest_that_leaves_checksums_to_the_device_gets_them_finished()
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        byte[] frame = Frame(1000, 1);
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(34 + 6), 0x1234);
        guest.Sender.Send(frame, header: new VirtioNetHeader
        {
            Flags = VirtioNetHeader.NeedsChecksum,
            ChecksumStart = 34,
            ChecksumOffset = 6,
        });

        Packet packet = Assert.Single(runtime.Receive(0));
        byte[] got = BytesOf(packet);
        ushort sum = Fold(frame.AsSpan(34), 0);
        ushort expected = (ushort)~sum;
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(got.AsSpan(34 + 6)));
        packet.Free();
    }

    [Fact]
    public void A_checksum_is_left_to_a_guest_that_takes_it_and_finished_for_one_that_does_not()
    {
        foreach (bool takes in new[] { true, false })
        {
            using SoftwareRuntime runtime = Create(offloads: PortOffloads.TxL4Checksum);
            using FrontEnd guest = new FrontEnd(Path).Start(takes ? FrontEnd.Usual : FrontEnd.Usual & ~VirtioFeatures.NetGuestCsum);
            byte[] frame = Frame(100, 1);
            Packet packet = Chain(runtime, frame);
            Ask(packet);
            guest.Receiver.Post(1);
            runtime.Send(0, packet);

            byte[] got = Assert.Single(guest.Receiver.Receive(out VirtioNetHeader header));
            Assert.Equal(takes ? (VirtioNetHeader.NeedsChecksum, 34, 6) : (0, 0, 0), (header.Flags, header.ChecksumStart, header.ChecksumOffset));
            Assert.Equal(takes, frame.AsSpan().SequenceEqual(got));
        }
    }

    [Fact]
    public void A_port_without_a_front_end_is_down_and_drops()
    {
        using SoftwareRuntime runtime = Create();
        Assert.False(runtime[0].GetLink().IsUp);
        Assert.Equal(3, runtime.Send(0, runtime.Allocate(3)));
        Assert.Empty(runtime.Receive(0));
        Assert.Equal(3u, runtime[0].GetTxQueueStatistics(0).Errors);
        Assert.Equal(0, runtime.InUse);
    }

    [Fact]
    public void Link_follows_rings_and_front_ends_come_and_go()
    {
        using SoftwareRuntime runtime = Create();
        for (int i = 0; i < 20; i++)
        {
            using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
            Assert.True(runtime[0].GetLink().IsUp);
            guest.Sender.Send(Frame(1000, i));
            Packet packet = Assert.Single(runtime.Receive(0));
            guest.Enable(guest.Receiver, false);
            guest.Enable(guest.Sender, false);
            guest.Synchronize();
            Assert.False(runtime[0].GetLink().IsUp);
            guest.Enable(guest.Sender, true);
            guest.Synchronize();
            Assert.True(runtime[0].GetLink().IsUp);
            guest.Dispose();
            FrontEnd.WaitUntil(() => !runtime[0].GetLink().IsUp);
            Assert.Equal(Frame(1000, i), BytesOf(packet));
            packet.Free();
        }

        Assert.Contains(runtime[0].GetExtendedStatistics(), counter => counter == new ExtendedStatistic("connections", 20));
    }

    [Fact]
    public void As_a_client_the_port_connects_and_connects_again()
    {
        using SoftwareRuntime runtime = Create(",client=1");
        for (int i = 0; i < 3; i++)
        {
            using var listener = new PeerListener("test", PeerAddress.File("test", Path), PeerSocketKind.Stream);
            PeerSocket? socket = null;
            FrontEnd.WaitUntil(() => (socket = listener.TryAccept()) is not null);
            using FrontEnd guest = new FrontEnd(socket!).Start(FrontEnd.Usual);
            guest.Sender.Send(Frame(60, i));
            Packet packet = Assert.Single(runtime.Receive(0));
            packet.Free();
        }
    }

    [Fact]
    public void Each_pair_of_rings_has_its_queues_and_further_pairs_are_received_too()
    {
        using SoftwareRuntime runtime = Create(",queues=4", queues: 2);
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual, pairs: 3, size: 16);
        Assert.Equal(4u, guest.Ask<ulong>(VhostUserRequest.GetQueueNum));
        for (int pair = 0; pair < 3; pair++)
            guest.Rings[(2 * pair) + 1].Send(Frame(100 + pair, pair));

        Packet[] first = runtime.Receive(0, queue: 0);
        Assert.Equal([100, 102], first.Select(packet => packet.Length));
        Assert.Equal([101], runtime.Receive(0, queue: 1).Select(packet => packet.Length));

        guest.Rings[0].Post(1);
        guest.Rings[2].Post(1);
        Assert.Equal(1, runtime[0].TxQueues[1].Send(first.AsSpan(1)));
        Assert.Equal(102, Assert.Single(guest.Rings[2].Receive()).Length);
        Assert.Equal(1, runtime[0].TxQueues[0].Send(first.AsSpan(0, 1)));
        Assert.Equal(100, Assert.Single(guest.Rings[0].Receive()).Length);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_sleeping_lcore_wakes_when_the_guest_sends_and_the_guest_when_it_is_sent_to(ulong features)
    {
        using SoftwareRuntime runtime = Create(interrupts: true);
        using FrontEnd guest = new FrontEnd(Path).Start((VirtioFeatures)features);
        var waiter = new RxWaiter(runtime[0].RxQueues);
        waiter.Wait(TimeSpan.Zero);
        for (int i = 0; i < 20; i++)
        {
            bool arrived = false;
            var lcore = new Thread(() => arrived = waiter.Wait(TimeSpan.FromSeconds(60)));
            lcore.Start();
            guest.Sender.Send(Frame(60, i));
            lcore.Join();
            Assert.True(arrived);
            Packet[] packets = [];
            FrontEnd.WaitUntil(() => (packets = runtime.Receive(0)).Length == 1);
            guest.Receiver.Post(1);
            Assert.True(guest.Receiver.TryRequestInterrupt());
            runtime.Send(0, packets);
            FrontEnd.WaitUntil(guest.Receiver.Call.TryDrain);
            Assert.Single(guest.Receiver.Receive());
        }
    }

    [Fact]
    public void A_lcore_does_not_sleep_while_a_guest_wants_to_be_polled()
    {
        using SoftwareRuntime runtime = Create(interrupts: true);
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        RxQueue queue = runtime[0].RxQueues[0];
        Assert.True(queue.TryArmInterrupt());
        queue.DisarmInterrupt();
        guest.Send(VhostUserRequest.SetVringKick, (ulong)guest.Sender.Index | VhostUserVringFile.NoFile);
        guest.Synchronize();
        Assert.False(queue.TryArmInterrupt());
    }

    [Fact]
    public void Another_call_file_leaves_packets_where_they_are()
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        guest.Sender.Send(Frame(1000, 1));
        Packet packet = Assert.Single(runtime.Receive(0));
        for (int i = 0; i < 10; i++)
        {
            guest.Send(VhostUserRequest.SetVringCall, (ulong)guest.Sender.Index, guest.Receiver.Call.Handle);
            guest.Synchronize();
            Assert.True(guest.Receiver.Call.TryDrain());
            Assert.Empty(guest.Sender.TakeUsed());
        }

        packet.Free();
        Assert.True(guest.Sender.TryRequestInterrupt());
        Assert.Empty(runtime.Receive(0));
        Assert.True(guest.Receiver.Call.TryDrain());
        Assert.Single(guest.Sender.TakeUsed());
    }

    [Fact]
    public void Memory_may_change_while_packets_refer_to_it()
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        var kept = new List<Packet>();
        for (int i = 0; i < 10; i++)
        {
            guest.Sender.Send(Frame(1000, i));
            kept.Add(Assert.Single(runtime.Receive(0)));
            if (i % 2 == 0)
                guest.SetMemory(guest.Region);
            else
            {
                // 500 further regions come and go one by one.
                VhostUserMemoryRegion more = guest.Region with { GuestAddress = 0x10_0000_0000 + ((ulong)i << 32) };
                Assert.Equal(0u, guest.SendAndWait(VhostUserRequest.AddMemReg, new VhostUserSingleMemoryRegion { Region = more }, guest.File.Handle));
                Assert.Equal(0u, guest.SendAndWait(VhostUserRequest.RemMemReg, new VhostUserSingleMemoryRegion { Region = more }));
            }

            guest.Synchronize();
            Assert.Single(guest.Sender.TakeUsed());
        }

        Assert.Equal(509u, guest.Ask<ulong>(VhostUserRequest.GetMaxMemSlots));
        Assert.All(kept.Select((packet, i) => (packet, i)), item => Assert.Equal(1000, BytesOf(item.packet).Length));
        kept.ForEach(packet => packet.Free());
        FrontEnd.WaitUntil(() => guest.File.MappingCount == 2);
    }

    [Fact]
    public void A_port_can_be_stopped_and_configured_anew_while_the_guest_stays()
    {
        using SoftwareRuntime runtime = Create();
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        for (int i = 0; i < 5; i++)
        {
            guest.Sender.Send(Frame(1000, i));
            Packet packet = Assert.Single(runtime.Receive(0));
            packet.Free();
            runtime[0].Stop();
            Assert.Single(guest.Sender.TakeUsed());
            Assert.False(runtime[0].GetLink().IsUp);
            runtime[0].Configure(new PortConfiguration(runtime.Pool));
            runtime[0].Start();
            Assert.True(runtime[0].GetLink().IsUp);
        }
    }

    [Fact]
    public void With_linear_buffer_every_frame_is_one_segment()
    {
        using SoftwareRuntime runtime = Create(",linear-buffer=1");
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        guest.Sender.Send(Frame(1518, 1), pieces: 3);
        guest.Sender.Send(Frame(1518, 2));
        guest.Sender.Send(Frame(4000, 3));
        Packet[] packets = [.. runtime.Receive(0), .. runtime.Receive(0)];
        Assert.Equal([(1518, 1), (1518, 1)], packets.Select(packet => (packet.Length, packet.SegmentCount)));
        Assert.Equal(1u, runtime[0].GetRxQueueStatistics(0).Errors);
        Packet.Free(packets);
    }

    [Fact]
    public void An_empty_pool_loses_nothing()
    {
        using var runtime = new SoftwareRuntime(new MempoolOptions { Count = 8, CacheSize = 0 }, $"net_vhost0,iface={Path}");
        runtime.Start();
        using FrontEnd guest = new FrontEnd(Path).Start(FrontEnd.Usual);
        for (int i = 0; i < 30; i++)
            guest.Sender.Send(Frame(i % 2 == 0 ? 60 : 1000, i));
        for (int i = 0; i < 30;)
        {
            Packet[] packets = runtime.Receive(0);
            Assert.NotEmpty(packets);
            foreach (Packet packet in packets)
            {
                Assert.Equal(Frame(i % 2 == 0 ? 60 : 1000, i), BytesOf(packet));
                i++;
            }

            Packet.Free(packets);
        }

        Assert.NotEqual(0u, runtime[0].GetRxQueueStatistics(0).NoMbuf);
    }

    [Theory]
    [InlineData("net_vhost0", "no iface")]
    [InlineData("net_vhost0,iface=x,tso=1", "tso=1")]
    [InlineData("net_vhost0,iface=x,iommu-support=1", "iommu-support=1")]
    [InlineData("net_vhost0,iface=x,postcopy-support=1", "postcopy-support=1")]
    [InlineData("net_vhost0,iface=x,queues=129", "queues=129")]
    [InlineData("net_vhost0,iface=/nowhere/x", "/nowhere")]
    public void What_cannot_be_is_refused_by_name(string vdev, string named)
    {
        var exception = Assert.ThrowsAny<DataplaneException>(() => new SoftwareRuntime(vdev));
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    internal static byte[] Frame(int length, int number)
    {
        var frame = new byte[length];
        new Random(number).NextBytes(frame);
        return frame;
    }

    internal static byte[] BytesOf(Packet packet)
    {
        var bytes = new byte[packet.Length];
        Assert.Equal(packet.Length, packet.CopyTo(bytes));
        return bytes;
    }

    private SoftwareRuntime Create(string more = "", int queues = 1, bool interrupts = false, PortOffloads offloads = PortOffloads.None)
    {
        var runtime = new SoftwareRuntime($"net_vhost0,iface={Path}{more}");
        runtime[0].Configure(new PortConfiguration(runtime.Pool)
        {
            RxQueues = queues,
            TxQueues = queues,
            RxInterrupts = interrupts,
            Offloads = offloads,
        });
        runtime[0].Start();
        return runtime;
    }

    /// <summary>A packet of as many segments as it takes, the first one short.</summary>
    private static Packet Chain(SoftwareRuntime runtime, byte[] frame)
    {
        Packet first = default;
        for (int start = 0; start < frame.Length;)
        {
            int length = Math.Min(frame.Length - start, start == 0 ? 100 : 1500);
            Packet segment = Assert.Single(runtime.Allocate(1, length));
            frame.AsSpan(start, length).CopyTo(segment.Data);
            start += length;
            if (first.IsNull)
                first = segment;
            else
                Assert.True(first.TryChain(segment));
        }

        return first;
    }

    private static unsafe void Ask(Packet packet)
    {
        packet.Mbuf->Flags |= MbufFlags.TxUdpChecksum;
        packet.Mbuf->L2Length = 14;
        packet.Mbuf->L3Length = 20;
    }

    private static ushort Fold(ReadOnlySpan<byte> data, uint sum)
    {
        for (int i = 0; i < data.Length; i += 2)
            sum += (uint)((data[i] << 8) | (i + 1 < data.Length ? data[i + 1] : 0));
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)sum;
    }
}
