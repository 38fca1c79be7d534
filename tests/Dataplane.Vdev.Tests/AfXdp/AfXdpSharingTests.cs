using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Kernel;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>Several queues and several ports on one mempool.</summary>
[Collection(KernelPortsCollection.Name)]
public sealed class AfXdpSharingTests : IDisposable
{
    private readonly NetworkNamespace _near = NetworkNamespace.Create();
    private readonly NetworkNamespace _far = NetworkNamespace.Create();

    public void Dispose()
    {
        _near.Dispose();
        _far.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData(",shared_umem=1")]
    public void A_frame_goes_from_port_to_port_without_being_moved(string keys)
    {
        Connect("left", "west");
        Connect("right", "east");
        using KernelPort ports = new KernelPort(
            _near, "net_af_xdp0,iface=left" + keys, "net_af_xdp1,iface=right" + keys).Start();
        using var left = new RawSocket(_far, "west");
        using var right = new RawSocket(_far, "east");
        for (int i = 0; i < 100; i++)
        {
            byte[] frame = TestFrame.Create(60 + (i * 14), i);
            left.Send(frame);
            Packet packet = ReceiveOne(ports, 0);
            unsafe
            {
                Assert.True(packet.Mbuf->Buffer == Mbuf.OwnBuffer(packet.Mbuf));
            }

            // The frame itself, not a copy: what is changed here is sent.
            packet.Data[20] ^= 0xFF;
            frame[20] ^= 0xFF;
            nint address = AddressOf(packet);
            Packet[] burst = [packet];
            Assert.Equal(1, ports.Ports[1].TxQueues[0].Send(burst));
            Assert.Equal(frame, right.Receive());
            AssertIsNextFree(ports.Pool, address);
        }
    }

    [Fact]
    public void One_of_two_ports_with_shared_memory_stops_and_starts_while_the_other_goes_on()
    {
        Connect("left", "west");
        Connect("right", "east");
        using KernelPort ports = new KernelPort(
            _near, "net_af_xdp0,iface=left,shared_umem=1", "net_af_xdp1,iface=right,shared_umem=1").Start();
        using var left = new RawSocket(_far, "west");
        using var right = new RawSocket(_far, "east");
        for (int round = 0; round < 3; round++)
        {
            int stopped = round % 2;
            ports.Ports[stopped].Stop();
            AssertReceives(ports, 1 - stopped, stopped == 0 ? right : left);
            _near.Invoke(ports.Ports[stopped].Start);
            AssertReceives(ports, 0, left);
            AssertReceives(ports, 1, right);
        }

        ports.Ports[0].Stop();
        ports.Ports[1].Stop();
        Assert.Equal(ports.Pool.Capacity, ports.FreeBuffers);
    }

    [Theory]
    [InlineData(",queue_count=4")]
    [InlineData(",queue_count=4,shared_umem=1")]
    public void Every_queue_receives_its_own_frames_and_sends(string keys)
    {
        ConnectQueues();
        using KernelPort port = new KernelPort(
            _near, new MempoolOptions { Count = 8192 }, null, "net_af_xdp0,iface=dut" + keys).Start(rxQueues: 4, txQueues: 4);
        using var peer = new RawSocket(_far, "peer");
        for (int queue = 0; queue < 4; queue++)
        {
            SendThroughQueue(queue, 20);
            List<byte[]> received = port.Receive(20, queue);
            Assert.Equal(Enumerable.Range(queue * 1000, 20), received.Select(frame => TestFrame.NumberOf(frame)));
            Assert.Equal(20ul, port.Port.GetRxQueueStatistics(queue).Packets);
        }

        for (int queue = 0; queue < 4; queue++)
        {
            Packet[] burst = [port.Packet(TestFrame.Create(60, queue))];
            Assert.Equal(1, port.Port.TxQueues[queue].Send(burst));
            Assert.Equal(queue, TestFrame.NumberOf(peer.Receive()));
        }

        port.Port.Stop();
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Fact]
    public void Two_ports_have_different_queues_of_one_interface_and_the_kernel_has_the_rest()
    {
        ConnectQueues();
        using KernelPort ports = new KernelPort(
            _near, "net_af_xdp0,iface=dut,start_queue=1", "net_af_xdp1,iface=dut,start_queue=2").Start();
        SendThroughQueue(2, 5);
        SendThroughQueue(1, 5);
        Assert.Equal(2000, TestFrame.NumberOf(ReceiveOne(ports, 1).Data));
        Assert.Equal(1000, TestFrame.NumberOf(ReceiveOne(ports, 0).Data));
        using var kernel = new RawSocket(_near, "dut");
        SendThroughQueue(3, 1);
        Assert.Equal(3000, TestFrame.NumberOf(kernel.Receive()));
    }

    [Fact]
    public void A_port_may_have_more_queues_of_one_direction_than_of_the_other()
    {
        ConnectQueues();
        using KernelPort port = new KernelPort(_near, "net_af_xdp0,iface=dut,queue_count=2").Start(rxQueues: 1, txQueues: 2);
        using var peer = new RawSocket(_far, "peer");
        Packet[] burst = [port.Packet(TestFrame.Create(60, 9))];
        Assert.Equal(1, port.Port.TxQueues[1].Send(burst));
        Assert.Equal(9, TestFrame.NumberOf(peer.Receive()));
        port.Port.Stop();
        port.Port.Configure(new Ports.PortConfiguration(port.Pool) { RxQueues = 2, TxQueues = 1 });
        port.Start();
        SendThroughQueue(1, 3);
        Assert.Equal(1000, TestFrame.NumberOf(port.Receive(3, queue: 1)[0]));
    }

    private static void AssertReceives(KernelPort ports, int port, RawSocket peer)
    {
        byte[] frame = TestFrame.Create(100, port);
        peer.Send(frame);
        Packet packet = ReceiveOne(ports, port);
        Assert.Equal(frame, KernelPort.BytesOf(packet));
        Packet[] burst = [packet];
        Assert.Equal(1, ports.Ports[port].TxQueues[0].Send(burst));
        Assert.Equal(frame, peer.Receive());
    }

    private static Packet ReceiveOne(KernelPort ports, int port)
    {
        Packet[] burst = new Packet[1];
        Assert.True(SpinWait.SpinUntil(() => ports.Ports[port].RxQueues[0].Receive(burst) == 1, 5000));
        return burst[0];
    }

    private static unsafe nint AddressOf(Packet packet) => (nint)packet.Mbuf;

    /// <summary>The kernel has sent it and the queue has given it back: it is the one that lies on top, or among the last.</summary>
    private static void AssertIsNextFree(Mempool pool, nint address)
    {
        Packet[] all = new Packet[pool.Statistics.Available];
        Assert.True(pool.TryAllocateRaw(all));
        Assert.Contains(all, packet => AddressOf(packet) == address);
        Packet.Free(all);
    }

    private void Connect(string near, string far) => VethPair.Connect(_near, near, _far, far);

    private void ConnectQueues()
    {
        _near.Ip(
            "link", "add", "dut", "numrxqueues", "4", "numtxqueues", "4", "type", "veth",
            "peer", "name", "peer", "numrxqueues", "4", "numtxqueues", "4", "netns", _far.Name);
        _near.Ip("link", "set", "dut", "up");
        _far.Ip("link", "set", "peer", "up");
    }

    /// <summary>A veth delivers to the queue by whose number the other end has sent: another AF_XDP port chooses it.</summary>
    private void SendThroughQueue(int queue, int count)
    {
        using KernelPort sender = new KernelPort(
            _far, new MempoolOptions { Count = 2048, CacheSize = 0 }, null, $"net_af_xdp9,iface=peer,start_queue={queue}").Start();
        sender.Send(Enumerable.Range(queue * 1000, count).Select(number => TestFrame.Create(60, number)));
    }
}
