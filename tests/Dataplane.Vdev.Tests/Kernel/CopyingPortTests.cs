using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.Kernel;

/// <summary>
/// What every port on a kernel interface does that copies frames into buffers only when they are received: they may be
/// longer than a buffer, and the port needs none in advance.
/// </summary>
public abstract class CopyingPortTests : KernelPortTests
{
    [Theory]
    [InlineData(2048)]
    [InlineData(256)]
    public void Jumbo_frames_pass_both_ways_in_chained_buffers(int dataRoom)
    {
        using KernelPort port = Start(new MempoolOptions { Count = 4096, DataRoom = dataRoom }, mtu: 9000);
        using (RawSocket peer = OpenPeer())
        {
            int[] lengths = [1515, 1966, 1967, 2006, 2007, 2048, 2049, 4097, 9014, 60, 9014, 64];
            byte[][] frames = [.. lengths.Select(TestFrame.Create)];
            foreach (byte[] frame in frames)
                peer.Send(frame);
            Assert.Equal(frames, port.Receive(frames.Length));
            port.Send(frames);
            Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
        }

        Assert.Equal(9000, port.Port.Mtu);
        port.Port.Stop();
        Assert.Equal(port.Pool.Capacity, port.FreeBuffers);
    }

    [Fact]
    public void Tagged_jumbo_frames_pass_both_ways()
    {
        using KernelPort port = Start(mtu: 9000);
        using RawSocket peer = OpenPeer();
        int[] lengths = [1964, 2044, 2046, 2048, 9014];
        byte[][] frames = [.. lengths.Select(length => TestFrame.Tag(TestFrame.Create(length), 100))];
        foreach (byte[] frame in frames)
            peer.Send(frame);
        Assert.Equal(frames, port.Receive(frames.Length));
        port.Send(frames);
        Assert.All(frames, frame => Assert.Equal(frame, peer.Receive()));
    }

    [Fact]
    public void Without_buffers_nothing_is_lost_but_counted_as_no_mbuf()
    {
        using KernelPort port = Start(new MempoolOptions { Count = 8, CacheSize = 0 });
        using RawSocket peer = OpenPeer();
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
    public void A_change_of_the_MTU_from_outside_counts_for_what_is_sent()
    {
        using KernelPort port = Start();
        SetPeerMtu(9000);
        Network.Ip("link", "set", Device, "mtu", "9000");
        using RawSocket peer = OpenPeer();
        byte[] frame = TestFrame.Create(5000);
        Assert.True(SpinWait.SpinUntil(
            () =>
            {
                port.Send([frame]);
                return port.Port.GetStatistics().OutputPackets != 0;
            },
            5000));
        Assert.Equal(frame, peer.Receive());
    }
}
