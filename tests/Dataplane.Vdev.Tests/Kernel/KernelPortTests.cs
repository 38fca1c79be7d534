using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>What every port on a kernel interface does, whatever stands between it and the peer.</summary>
[Collection(KernelPortsCollection.Name)]
public abstract class KernelPortTests : IDisposable
{
    /// <summary>Where the port is.</summary>
    private protected NetworkNamespace Network { get; } = NetworkNamespace.Create();

    /// <summary>The device argument.</summary>
    protected abstract string Vdev { get; }

    /// <summary>The interface of the port.</summary>
    protected abstract string Device { get; }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    [Fact]
    public void Frames_of_every_size_arrive_byte_for_byte()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
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
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
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
    }

    [Fact]
    public void Bursts_keep_their_order()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        AssertOrder(port, peer);
    }

    [Fact]
    public void A_frame_longer_than_the_interface_takes_is_an_output_error_and_the_next_is_sent()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        int[] lengths = [60, 1515, 60, 3000, 1514];
        byte[][] frames = [.. lengths.Select(TestFrame.Create)];
        port.Send(frames);
        Assert.Equal(frames[0], peer.Receive());
        Assert.Equal(frames[2], peer.Receive());
        Assert.Equal(frames[4], peer.Receive());
        PortStatistics statistics = port.Port.GetStatistics();
        Assert.Equal(3ul, statistics.OutputPackets);
        Assert.Equal(60ul + 60 + 1514, statistics.OutputBytes);
        Assert.Equal(2ul, statistics.OutputErrors);
        Assert.Equal(port.FreeWhenStarted, port.FreeBuffers);
    }

    [Fact]
    public void A_packet_shorter_than_an_Ethernet_header_is_an_output_error()
    {
        using KernelPort port = Start();
        port.Send([new byte[13]]);
        Assert.Equal(1ul, port.Port.GetStatistics().OutputErrors);
        Assert.Equal(port.FreeWhenStarted, port.FreeBuffers);
    }

    [Theory]
    [InlineData(0x8100)]
    [InlineData(0x88A8)]
    public void Tagged_frames_pass_both_ways(int protocol)
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        // The kernel gives a plain socket room for a tag of 802.1Q alone.
        int[] lengths = [60, protocol == 0x8100 ? 1514 : 1510, 800];
        byte[][] frames = [.. lengths.Select(length => TestFrame.Tag(TestFrame.Create(length), 0x6064, (ushort)protocol))];
        foreach (byte[] frame in frames)
            peer.Send(frame);
        Assert.Equal(frames, port.Receive(frames.Length));
        port.Send(frames);
        Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
    }

    [Fact]
    public void What_the_port_sends_it_does_not_receive()
    {
        using KernelPort port = Start();
        port.Send([.. Enumerable.Range(0, 50).Select(number => TestFrame.Create(60, number))]);
        Assert.Empty(port.Receive(1, patience: 50));
    }

    [Fact]
    public void A_port_that_is_down_takes_nothing_and_goes_on_when_it_is_up()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        Network.Ip("link", "set", Device, "down");
        Packet[] burst = [port.Packet(TestFrame.Create(60, 1))];
        Assert.Equal(0, port.Port.TxQueues[0].Send(burst));
        Assert.False(port.Port.GetLink().IsUp);
        Network.Ip("link", "set", Device, "up");
        Assert.True(SpinWait.SpinUntil(() => port.Port.TxQueues[0].Send(burst) == 1, 2000));
        using RawSocket fresh = OpenPeer();
        port.Send([TestFrame.Create(60, 1)]);
        Assert.Equal(1, TestFrame.NumberOf(fresh.Receive()));
        fresh.Send(TestFrame.Create(60, 2));
        Assert.Equal(2, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
    }

    [Fact]
    public void A_change_of_the_link_is_told()
    {
        using KernelPort port = Start();
        Assert.Equal("Link up at 10 Gbps FDX Fixed", port.Port.GetLink().ToString());
        using var down = new ManualResetEventSlim();
        using var up = new ManualResetEventSlim();
        port.Port.LinkChanged += (_, link) => (link.IsUp ? up : down).Set();
        Network.Ip("link", "set", Device, "down");
        Assert.True(down.Wait(5000));
        Network.Ip("link", "set", Device, "up");
        Assert.True(up.Wait(5000));
    }

    [Fact]
    public void Ports_start_again_after_a_stop_with_nothing_of_before()
    {
        using KernelPort port = Start();
        using (RawSocket before = OpenPeer())
            before.Send(TestFrame.Create(60, 1));
        port.Port.Stop();
        port.Start();
        using RawSocket peer = OpenPeer();
        peer.Send(TestFrame.Create(60, 3));
        Assert.Equal(3, TestFrame.NumberOf(Assert.Single(port.Receive(1))));
        port.Send([TestFrame.Create(60, 4)]);
        Assert.Equal(4, TestFrame.NumberOf(peer.Receive()));
    }

    [Fact]
    public void Nothing_is_allocated_while_100000_packets_come_and_go()
    {
        using KernelPort port = Start();
        using RawSocket peer = OpenPeer();
        byte[] frame = TestFrame.Create(60);
        Packet[] burst = new Packet[32];
        long allocated = 0;
        int returned = 0;
        // The first packets let the runtime set up what it needs once.
        const int WarmUp = 2_000;
        while (returned < WarmUp + 100_000)
        {
            if (returned < WarmUp)
                allocated = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < burst.Length; i++)
                peer.TrySend(frame);
            int received = port.Port.RxQueues[0].Receive(burst);
            Span<Packet> left = burst.AsSpan(0, received);
            while (!left.IsEmpty)
                left = left[port.Port.TxQueues[0].Send(left)..];
            returned += peer.Discard();
        }

        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void No_descriptor_is_left_behind()
    {
        Start().Dispose();
        int before = CountDescriptors();
        for (int i = 0; i < 5; i++)
        {
            using KernelPort port = Start();
            port.Port.Stop();
            port.Start();
            Assert.ThrowsAny<DataplaneException>(
                () => new KernelPort(Network, "net_af_packet7,iface=lo", "net_af_packet8,iface=nowhere"));
            Assert.ThrowsAny<DataplaneException>(() => new KernelPort(Network, "net_tap7", "net_tap8,remote=nowhere"));
        }

        Assert.Equal(before, CountDescriptors());
    }

    /// <summary>Opens what stands at the other end.</summary>
    protected abstract RawSocket OpenPeer();

    /// <summary>Lets the other end take frames of this MTU.</summary>
    protected virtual void SetPeerMtu(int mtu)
    {
    }

    protected virtual void Dispose(bool disposing) => Network.Dispose();

    private protected static void AssertOrder(KernelPort port, RawSocket peer)
    {
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

    /// <summary>Sockets, taps, eventfds and memory: what ports open. Pipes of programs that ended wait for the collector.</summary>
    private static int CountDescriptors()
    {
        string[] kinds = ["socket:", "anon_inode:", "/dev/net/tun", "/memfd:"];
        return new DirectoryInfo("/proc/self/fd").GetFileSystemInfos()
            .Count(fd => kinds.Any(kind => fd.LinkTarget?.StartsWith(kind, StringComparison.Ordinal) == true));
    }

    private protected KernelPort Start(MempoolOptions? pool = null, int mtu = 1500)
    {
        var port = new KernelPort(Network, pool ?? new MempoolOptions { Count = 4096 }, null, Vdev);
        if (mtu != 1500)
        {
            port.Port.SetMtu(mtu);
            SetPeerMtu(mtu);
        }

        return port.Start();
    }
}
