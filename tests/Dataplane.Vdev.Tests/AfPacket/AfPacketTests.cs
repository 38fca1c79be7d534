using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfPacket;

/// <summary>The port at one end of a veth pair, a plain socket at the other.</summary>
public sealed class AfPacketTests : IDisposable
{
    private const string Vdev = "net_af_packet0,iface=dut";
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();

    public AfPacketTests() => VethPair.Connect(_near, "dut", _far, "peer");

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Fact]
    public void Frames_of_every_size_arrive_byte_for_byte()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [.. Enumerable.Range(60, 1514 - 60 + 1).Select(length => TestFrame.Create(length, length))];
        foreach (byte[][] some in frames.Chunk(100))
        {
            foreach (byte[] frame in some)
                peer.Send(frame);
            Assert.Equal(some, port.Receive(some.Length));
        }

        PortStatistics statistics = port.Port.GetStatistics();
        Assert.Equal((ulong)frames.Length, statistics.InputPackets);
        Assert.Equal((ulong)frames.Sum(frame => frame.Length), statistics.InputBytes);
        Assert.Equal(0ul, statistics.InputErrors + statistics.InputMissed);
    }

    [Fact]
    public void Frames_of_every_size_are_sent_byte_for_byte()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [.. Enumerable.Range(60, 1514 - 60 + 1).Select(length => TestFrame.Create(length, length))];
        foreach (byte[][] some in frames.Chunk(100))
        {
            port.Send(some);
            Assert.All(some, frame => Assert.Equal(frame, peer.Receive()));
        }

        PortStatistics statistics = port.Port.GetStatistics();
        Assert.Equal((ulong)frames.Length, statistics.OutputPackets);
        Assert.Equal((ulong)frames.Sum(frame => frame.Length), statistics.OutputBytes);
        Assert.Equal(0ul, statistics.OutputErrors);
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Theory]
    [InlineData(2048)]
    [InlineData(256)]
    public void Jumbo_frames_pass_both_ways_in_chained_buffers(int dataRoom)
    {
        _near.Ip("link", "set", "dut", "mtu", "9000");
        _far.Ip("link", "set", "peer", "mtu", "9000");
        using KernelPort port = new KernelPort(_near, new MempoolOptions { Count = 4096, DataRoom = dataRoom }, null, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [.. new[] { 1515, 1966, 1967, 2006, 2007, 2048, 2049, 4097, 9014, 60, 9014, 64 }.Select(TestFrame.Create)];
        foreach (byte[] frame in frames)
            peer.Send(frame);
        Assert.Equal(frames, port.Receive(frames.Length));
        port.Send(frames);
        Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
        Assert.Equal(9000, port.Port.Mtu);
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Fact]
    public void A_frame_longer_than_the_interface_takes_is_an_output_error_and_the_next_is_sent()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [TestFrame.Create(60, 1), TestFrame.Create(1515, 2), TestFrame.Create(60, 3), TestFrame.Create(3000, 4), TestFrame.Create(1514, 5)];
        port.Send(frames);
        Assert.Equal(frames[0], peer.Receive());
        Assert.Equal(frames[2], peer.Receive());
        Assert.Equal(frames[4], peer.Receive());
        PortStatistics statistics = port.Port.GetStatistics();
        Assert.Equal(3ul, statistics.OutputPackets);
        Assert.Equal(60ul + 60 + 1514, statistics.OutputBytes);
        Assert.Equal(2ul, statistics.OutputErrors);
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Fact]
    public void A_packet_shorter_than_an_Ethernet_header_is_an_output_error()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        port.Send([new byte[13]]);
        Assert.Equal(1ul, port.Port.GetStatistics().OutputErrors);
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Theory]
    [InlineData(0x8100)]
    [InlineData(0x88A8)]
    public void A_VLAN_tag_that_the_kernel_took_out_is_put_back(int protocol)
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        // The kernel gives a plain socket room for a tag of 802.1Q alone.
        int longest = protocol == 0x8100 ? 1514 : 1510;
        byte[][] frames = [.. new[] { 60, longest, 800 }.Select(length => TestFrame.Tag(TestFrame.Create(length), 0x6064, (ushort)protocol))];
        foreach (byte[] frame in frames)
            peer.Send(frame);
        Assert.Equal(frames, port.Receive(frames.Length));
        port.Send(frames);
        Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
    }

    [Fact]
    public void A_VLAN_tag_is_put_back_into_a_jumbo_frame()
    {
        _near.Ip("link", "set", "dut", "mtu", "9000");
        _far.Ip("link", "set", "peer", "mtu", "9000");
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        byte[][] frames = [.. new[] { 1964, 2046, 2048, 9014 }.Select(length => TestFrame.Tag(TestFrame.Create(length), 100))];
        foreach (byte[] frame in frames)
            peer.Send(frame);
        Assert.Equal(frames, port.Receive(frames.Length));
    }

    [Theory]
    [InlineData("")]
    [InlineData(",qdisc_bypass=1")]
    [InlineData(",framecnt=48,framesz=1760,blocksz=8192")]
    public void Bursts_keep_their_order(string keys)
    {
        using KernelPort port = new KernelPort(_near, Vdev + keys).Start();
        using var peer = new RawSocket(_far, "peer");
        for (int round = 0; round < 20; round++)
        {
            byte[][] frames = [.. Enumerable.Range(round * 40, 40).Select(number => TestFrame.Create(60 + number, number))];
            port.Send(frames);
            Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
            foreach (byte[] frame in frames)
                peer.Send(frame);
            Assert.Equal(frames, port.Receive(frames.Length));
        }
    }

    [Fact]
    public void What_the_port_sends_it_does_not_receive()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        port.Send([.. Enumerable.Range(0, 50).Select(number => TestFrame.Create(60, number))]);
        Assert.Empty(port.Receive(1, patience: 50));
    }

    [Fact]
    public void Frames_that_find_the_ring_full_are_missed()
    {
        using KernelPort port = new KernelPort(_near, Vdev + ",framecnt=64").Start();
        using var peer = new RawSocket(_far, "peer");
        for (int i = 0; i < 200; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = port.Receive(200, patience: 100);
        Assert.Equal(Enumerable.Range(0, 64), received.Select(frame => TestFrame.NumberOf(frame)));
        Assert.Equal(200ul - 64, port.Port.GetStatistics().InputMissed);
        port.Port.Stop();
        Assert.Equal(200ul - 64, port.Port.GetStatistics().InputMissed);
        port.Port.ResetStatistics();
        Assert.Equal(default, port.Port.GetStatistics());
    }

    [Fact]
    public void Without_buffers_nothing_is_lost_but_counted_as_no_mbuf()
    {
        using KernelPort port = new KernelPort(_near, new MempoolOptions { Count = 8, CacheSize = 0 }, null, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        Packet[] all = new Packet[8];
        Assert.True(port.Pool.TryAllocateRaw(all));
        peer.Send(TestFrame.Create(60, 7));
        Packet[] burst = new Packet[4];
        Assert.Equal(0, port.Port.RxQueues[0].Receive(burst));
        Assert.Equal(1ul, port.Port.GetStatistics().RxNoMbuf);
        Packet.Free(all);
        Assert.Equal(7, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
    }

    [Fact]
    public void A_port_that_is_down_takes_nothing_and_goes_on_when_it_is_up()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        _near.Ip("link", "set", "dut", "down");
        Packet[] burst = [port.Packet(TestFrame.Create(60, 1))];
        Assert.Equal(0, port.Port.TxQueues[0].Send(burst));
        Assert.False(port.Port.GetLink().IsUp);
        _near.Ip("link", "set", "dut", "up");
        Assert.True(SpinWait.SpinUntil(() => port.Port.TxQueues[0].Send(burst) == 1, 2000));
        Assert.Equal(1, TestFrame.NumberOf(peer.Receive()));
        peer.Send(TestFrame.Create(60, 2));
        Assert.Equal(2, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
    }

    [Fact]
    public void A_change_of_the_link_is_told()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        Assert.Equal("Link up at 10 Gbps FDX Fixed", port.Port.GetLink().ToString());
        using var down = new ManualResetEventSlim();
        using var up = new ManualResetEventSlim();
        port.Port.LinkChanged += (_, link) => (link.IsUp ? up : down).Set();
        _far.Ip("link", "set", "peer", "down");
        Assert.True(down.Wait(5000));
        _far.Ip("link", "set", "peer", "up");
        Assert.True(up.Wait(5000));
    }

    [Fact]
    public void Ports_start_again_after_a_stop_with_an_empty_ring()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        using var peer = new RawSocket(_far, "peer");
        peer.Send(TestFrame.Create(60, 1));
        port.Port.Stop();
        peer.Send(TestFrame.Create(60, 2));
        port.Start();
        peer.Send(TestFrame.Create(60, 3));
        Assert.Equal(3, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
        port.Send([TestFrame.Create(60, 4)]);
        Assert.Equal(4, TestFrame.NumberOf(peer.Receive()));
    }

    [Fact]
    public void Address_MTU_and_promiscuity_are_those_of_the_interface()
    {
        using KernelPort port = new KernelPort(_near, Vdev).Start();
        Assert.Equal(_near.MacAddressOf("dut"), port.Port.MacAddress.ToString(), ignoreCase: true);
        Assert.True(MacAddress.TryParse("02:00:00:00:00:77", out MacAddress address));
        port.Port.SetMacAddress(address);
        port.Port.SetMtu(1400);
        port.Port.Promiscuous = true;
        port.Port.AllMulticast = true;
        Assert.Equal("02:00:00:00:00:77", _near.MacAddressOf("dut"));
        string state = _near.Ip("-d", "link", "show", "dut");
        Assert.Contains("mtu 1400", state, StringComparison.Ordinal);
        Assert.Contains("promiscuity 1", state, StringComparison.Ordinal);
        Assert.Contains("allmulti 1", state, StringComparison.Ordinal);
        port.Port.Promiscuous = false;
        Assert.Contains("promiscuity 0", _near.Ip("-d", "link", "show", "dut"), StringComparison.Ordinal);
    }

    [Fact]
    public void Queues_share_what_arrives_and_a_flow_stays_on_its_queue()
    {
        using KernelPort port = new KernelPort(_near, Vdev + ",qpairs=4,fanout_mode=lb").Start(rxQueues: 4, txQueues: 4);
        using var peer = new RawSocket(_far, "peer");
        for (int i = 0; i < 100; i++)
            peer.Send(TestFrame.Create(60, i));
        var numbers = new List<int>();
        for (int queue = 0; queue < 4; queue++)
        {
            List<byte[]> received = port.Receive(25, queue);
            Assert.Equal(25, received.Count);
            Assert.Equal(25ul, port.Port.GetRxQueueStatistics(queue).Packets);
            numbers.AddRange(received.Select(frame => TestFrame.NumberOf(frame)));
        }

        Assert.Equal(Enumerable.Range(0, 100), numbers.Order());
        for (int queue = 0; queue < 4; queue++)
        {
            Packet[] burst = [port.Packet(TestFrame.Create(60, queue))];
            Assert.Equal(1, port.Port.TxQueues[queue].Send(burst));
            Assert.Equal(queue, TestFrame.NumberOf(peer.Receive()));
            Assert.Empty(port.Receive(1, queue, patience: 10));
        }
    }

    [Fact]
    public void Nothing_is_allocated_while_100000_packets_flow()
    {
        // What is sent on one end is received on the other, and sent again.
        using KernelPort near = new KernelPort(_near, Vdev).Start();
        using KernelPort far = new KernelPort(_far, "net_af_packet0,iface=peer").Start();
        near.Send([.. Enumerable.Range(0, 64).Select(number => TestFrame.Create(60, number))]);
        Packet[] burst = new Packet[32];
        long allocated = 0;
        int passed = -2000;
        while (passed < 100_000)
        {
            // The first packets let the runtime set up what it needs once.
            if (passed < 0)
                allocated = GC.GetAllocatedBytesForCurrentThread();
            passed += Forward(far.Port, far.Port, burst) + Forward(near.Port, near.Port, burst);
        }

        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0ul, near.Port.GetStatistics().InputMissed);
    }

    [Fact]
    public void No_descriptor_is_left_behind()
    {
        KernelPort Open() => new KernelPort(_near, Vdev + ",qpairs=2").Start(2, 2);
        Open().Dispose();
        int before = Directory.GetFiles("/proc/self/fd").Length;
        for (int i = 0; i < 5; i++)
        {
            using KernelPort port = Open();
            port.Port.Stop();
            port.Start();
            Assert.ThrowsAny<DataplaneException>(() => new KernelPort(_near, Vdev, "net_af_packet1,iface=nowhere"));
        }

        Assert.Equal(before, Directory.GetFiles("/proc/self/fd").Length);
    }

    private static int Forward(Port from, Port to, Packet[] burst)
    {
        int received = from.RxQueues[0].Receive(burst);
        Span<Packet> left = burst.AsSpan(0, received);
        while (!left.IsEmpty)
            left = left[to.TxQueues[0].Send(left)..];
        return received;
    }
}
