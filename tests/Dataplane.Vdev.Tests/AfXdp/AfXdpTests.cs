using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.AfXdp;
using Dataplane.Vdev.Kernel;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>The port at one end of a veth pair, a plain socket at the other.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class AfXdpTests : KernelPortTests
{
    private readonly NetworkNamespace _far = NetworkNamespace.Create();

    public AfXdpTests() => VethPair.Connect(Network, "dut", _far, "peer");

    protected override string Vdev => "net_af_xdp0,iface=dut";

    protected override string Device => "dut";

    [Theory]
    [InlineData(",busy_budget=0")]
    [InlineData(",busy_budget=256")]
    [InlineData(",force_copy=1")]
    [InlineData(",shared_umem=1")]
    public void Bursts_keep_their_order_in_every_way_of_working(string keys)
    {
        using KernelPort port = new KernelPort(Network, Vdev + keys).Start();
        using RawSocket peer = OpenPeer();
        AssertOrder(port, peer);
    }

    [Fact]
    public void Buffers_come_back_when_it_is_stopped()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 10; i++)
        {
            peer.Send(TestFrame.Create(100, i));
            port.Send([TestFrame.Create(100, i)]);
        }

        Assert.InRange(port.FreeBuffers, 0, port.Pool.Capacity - PortConfiguration.DefaultDescriptors);
        port.Port.Stop();
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Fact]
    public void Frames_lie_behind_the_headroom_and_can_be_prepended_and_sent_from_where_they_lie()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        byte[] frame = TestFrame.Create(200);
        peer.Send(frame);
        Packet packet = ReceiveOne(port.Port);
        Assert.Equal(Mbuf.DefaultHeadroom, packet.Headroom);
        Assert.Equal(0, packet.Port);
        Assert.True(packet.TryPrepend(Mbuf.DefaultHeadroom, out Span<byte> room));
        byte[] header = TestFrame.Create(room.Length, 77);
        header.CopyTo(room);
        Packet[] burst = [packet];
        Assert.Equal(1, port.Port.TxQueues[0].Send(burst));
        byte[] expected = [.. header, .. frame];
        Assert.Equal(expected, peer.Receive()!);
    }

    [Fact]
    public void What_lies_elsewhere_is_copied_and_sent()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        using Memory.Mempool other = port.CreatePool(new Memory.MempoolOptions { Name = "other", Count = 64, CacheSize = 0, DataRoom = 256 });
        byte[] frame = TestFrame.Create(1000, 5);
        Packet chained = default;
        for (int offset = 0; offset < frame.Length; offset += 250)
        {
            Assert.True(other.TryAllocate(out Packet segment));
            Assert.True(segment.TryAppend(250, out Span<byte> room));
            frame.AsSpan(offset, 250).CopyTo(room);
            if (offset == 0)
                chained = segment;
            else
                Assert.True(chained.TryChain(segment));
        }

        Packet[] burst = [chained];
        Assert.Equal(1, port.Port.TxQueues[0].Send(burst));
        Assert.Equal(frame, peer.Receive());
        Assert.Equal(other.Capacity, other.Statistics.Available);
        Assert.Equal(port.FreeWhenStarted, port.FreeBuffers);
    }

    [Fact]
    public void A_mempool_that_runs_dry_is_counted_and_recovers()
    {
        using KernelPort port = new KernelPort(Network, new Memory.MempoolOptions { Count = 1100, CacheSize = 0 }, null, Vdev).Start();
        using RawSocket peer = OpenPeer();
        var kept = new List<Packet>();
        for (int i = 0; i < 2000; i++)
        {
            peer.Send(TestFrame.Create(60, i));
            if (i % 32 == 31)
                kept.AddRange(Take(port.Port));
        }

        // All buffers are with us now, so what came later found no place in the kernel either.
        Assert.Equal(port.Pool.Capacity, kept.Count);
        Assert.Equal(Enumerable.Range(0, kept.Count), kept.Select(packet => TestFrame.NumberOf(packet.Data)));
        PortStatistics statistics = port.Port.GetStatistics();
        Assert.NotEqual(0ul, statistics.RxNoMbuf);
        Assert.Equal(2000ul - (ulong)kept.Count, statistics.InputMissed);
        Packet.Free(kept.ToArray());
        Assert.Empty(port.Receive(1, patience: 50));
        peer.Send(TestFrame.Create(60, 3000));
        Assert.Equal(3000, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
    }

    [Fact]
    public void Frames_that_find_the_queue_full_are_missed_and_counted_by_their_reason()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        for (int i = 0; i < 1500; i++)
            peer.Send(TestFrame.Create(60, i));
        List<byte[]> received = port.Receive(1500, patience: 100);
        Assert.Equal(Enumerable.Range(0, 1024), received.Select(frame => TestFrame.NumberOf(frame)));
        Assert.Equal(1500ul - 1024, port.Port.GetStatistics().InputMissed);
        IReadOnlyList<ExtendedStatistic> extended = port.Port.GetExtendedStatistics();
        ulong Value(string name) => Assert.Single(extended, one => one.Name == name).Value;
        Assert.Equal(1500ul - 1024, Value("rx_q0_xdp_dropped") + Value("rx_q0_xdp_ring_full"));
        Assert.Equal(0ul, Value("rx_q0_xdp_invalid_descs") + Value("tx_q0_xdp_invalid_descs"));
        port.Port.Stop();
        Assert.Equal(1500ul - 1024, port.Port.GetStatistics().InputMissed);
        port.Port.ResetStatistics();
        Assert.Equal(default, port.Port.GetStatistics());
    }

    [Fact]
    public void Address_MTU_and_promiscuity_are_those_of_the_interface()
    {
        using KernelPort port = Start();
        Assert.Equal(Network.MacAddressOf("dut"), port.Port.MacAddress.ToString(), ignoreCase: true);
        Assert.True(MacAddress.TryParse("02:00:00:00:00:77", out MacAddress address));
        port.Port.SetMacAddress(address);
        port.Port.SetMtu(1400);
        port.Port.Promiscuous = true;
        Assert.Equal("02:00:00:00:00:77", Network.MacAddressOf("dut"));
        string state = Network.Ip("-d", "link", "show", "dut");
        Assert.Contains("mtu 1400", state, StringComparison.Ordinal);
        Assert.Contains("promiscuity 1", state, StringComparison.Ordinal);
        DataplaneException error = Assert.Throws<DataplaneException>(() => port.Port.SetMtu(2040));
        Assert.StartsWith(
            "Port 0 (net_af_xdp0) cannot have an MTU of 2040 bytes: a frame must lie in one buffer, which takes 2048 bytes",
            error.Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_lcore_sleeps_until_a_frame_comes()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        var waiter = new RxWaiter(port.Port.RxQueues);
        Assert.False(waiter.Wait(TimeSpan.FromMilliseconds(20)));
        peer.Send(TestFrame.Create(60, 1));
        Assert.True(waiter.Wait(TimeSpan.FromSeconds(60)));
        Assert.Equal(1, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
        Assert.False(waiter.Wait(TimeSpan.FromMilliseconds(20)));
        var wait = Task.Run(() => waiter.Wait(TimeSpan.FromSeconds(60)));
        peer.Send(TestFrame.Create(60, 2));
        Assert.True(await wait);
        Assert.Equal(2, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
    }

    [Fact]
    public void Without_a_started_port_the_kernel_gets_the_frames()
    {
        Network.AddAddress("dut", "10.9.0.1/24");
        _far.AddAddress("peer", "10.9.0.2/24");
        using KernelPort port = new KernelPort(Network, Vdev);
        Transfers.Ping(_far, "10.9.0.1", 56);
        port.Start();
        Assert.NotEqual(0, _far.TryRun("ping", "-c", "1", "-W", "1", "10.9.0.1").ExitCode);
        port.Port.Stop();
        Transfers.Ping(_far, "10.9.0.1", 56);
    }

    [Theory]
    [InlineData("iface=nowhere", "net_af_xdp0 finds no network interface 'nowhere' in its network namespace; the interfaces are ")]
    [InlineData("start_queue=1", "The device 'net_af_xdp0' needs a network interface; write --vdev=net_af_xdp0,iface=eth0")]
    [InlineData("iface=dut,start_queue=1", "net_af_xdp0 cannot have queues 1 to 1 of dut: it has 1; lower start_queue or queue_count, or give it more: ethtool -L dut combined 2")]
    [InlineData("iface=dut,queue_count=4", "net_af_xdp0 cannot have queues 0 to 3 of dut: it has 1; ")]
    [InlineData("iface=dut,queue_count=0", "'queue_count=0' of the device 'net_af_xdp0' is not a number from 1 to ")]
    [InlineData("iface=dut,busy_budget=65536", "'busy_budget=65536' of the device 'net_af_xdp0' is not a number from 0 to 65535")]
    [InlineData("iface=dut,dp_path=/tmp/x", "'dp_path' of the device 'net_af_xdp0' means nothing alone; add use_cni=1 or use_pinned_map=1")]
    [InlineData("iface=dut,use_cni=1,use_pinned_map=1", "'use_cni' and 'use_pinned_map' of the device 'net_af_xdp0' exclude each other; leave one out")]
    [InlineData("iface=dut,xdp_prog=/nowhere.o", "net_af_xdp0 cannot read the XDP program /nowhere.o: ")]
    [InlineData("iface=dut,use_pinned_map=1", "net_af_xdp0 cannot open the pinned map /tmp/afxdp_dp/dut/xsks_map: No such file or directory; ")]
    public void What_cannot_be_is_said_in_one_sentence(string keys, string message)
    {
        DataplaneException error = Assert.ThrowsAny<DataplaneException>(() => new KernelPort(Network, "net_af_xdp0," + keys));
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Buffers_that_are_too_small_are_refused()
    {
        DataplaneException error = Assert.Throws<DataplaneException>(
            () => new KernelPort(Network, new Memory.MempoolOptions { Count = 64, DataRoom = 1024 }, null, Vdev).Start());
        Assert.Equal(
            "net_af_xdp0 cannot use the mempool mbuf_pool: its buffers have 1280 bytes, AF_XDP needs 2048; make the pool with a data room of at least 1792 bytes",
            error.Message);
    }

    [Fact]
    public void A_queue_that_another_program_has_is_refused_and_free_when_that_ends()
    {
        using (KernelPort first = Start())
        {
            DataplaneException error = Assert.Throws<DataplaneException>(() => new KernelPort(Network, Vdev));
            Assert.StartsWith(
                $"net_af_xdp0 cannot attach its XDP program to dut: the XDP program of process {Environment.ProcessId}, a dataplane too, is attached already; ",
                error.Message,
                StringComparison.Ordinal);
        }

        using KernelPort second = Start();
        using RawSocket peer = OpenPeer();
        AssertOrder(second, peer);
        DataplaneException busy = Assert.Throws<DataplaneException>(
            () => new KernelPort(Network, Vdev, "net_af_xdp1,iface=dut").Start());
        Assert.Contains("is attached already", busy.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_waits_until_the_device_has_given_up_its_memory()
    {
        using var port = new KernelPort(Network, Vdev);
        using KernelInterface iface = Network.Invoke(() => new KernelInterface("test", "dut"));
        var umem = new Umem("test", port.Pool, hasForeignProgram: false);
        Network.Invoke(() =>
        {
            var socket = new XskSocket("test", iface, 0, umem, sharedWith: null);
            socket.MakeRings(64, 64);
            socket.Bind(copies: true);
            Assert.False(socket.IsZeroCopy);
            socket.Dispose();
            socket.AwaitDevice();
        });
    }

    [Fact]
    public void Two_ports_cannot_have_the_same_queue()
    {
        using var ports = new KernelPort(Network, Vdev, "net_af_xdp1,iface=dut");
        DataplaneException error = Assert.Throws<DataplaneException>(() => ports.Start());
        Assert.Equal(
            "net_af_xdp1 cannot have queue 0 of dut: another AF_XDP socket has it; end the program that uses it, or choose another queue with start_queue=",
            error.Message);
    }

    protected override RawSocket OpenPeer() => new(_far, "peer");

    protected override void SetPeerMtu(int mtu) => _far.Ip("link", "set", "peer", "mtu", $"{mtu}");

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _far.Dispose();
    }

    private static Packet ReceiveOne(Port port)
    {
        Packet[] burst = new Packet[1];
        Assert.True(SpinWait.SpinUntil(() => port.RxQueues[0].Receive(burst) == 1, 5000));
        return burst[0];
    }

    private static List<Packet> Take(Port port)
    {
        var taken = new List<Packet>();
        Packet[] burst = new Packet[32];
        int received;
        while ((received = port.RxQueues[0].Receive(burst)) != 0)
            taken.AddRange(burst[..received]);
        return taken;
    }
}
