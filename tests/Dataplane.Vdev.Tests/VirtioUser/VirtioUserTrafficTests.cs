using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.VirtioUser;

/// <summary>Frames between the port and a back end that works as it should.</summary>
public sealed class VirtioUserTrafficTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Every kind of ring.</summary>
    public static TheoryData<string> Kinds =>
    [
        "",
        "packed_vq=1",
        "in_order=0",
        "packed_vq=1,in_order=0",
        "queue_size=64",
        "packed_vq=1,queue_size=64",
        "mrg_rxbuf=0",
        "mrg_rxbuf=0,packed_vq=1",
    ];

    private string Path => _folder["vhost.sock"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Frames_of_every_size_pass_in_both_directions_byte_for_byte(string keys)
    {
        using PeerRig rig = Pair(keys);
        bool isMergeable = !keys.Contains("mrg_rxbuf=0", StringComparison.Ordinal);
        for (int length = 60; length <= 9018; length++)
        {
            byte[] frame = TestFrame.Create(length, length);
            rig.Exchange(rig[1], rig[0], frame, perSegment: length % 3 == 0 ? 700 : int.MaxValue);
            if (isMergeable || length <= rig.Pool.DataRoom)
                rig.Exchange(rig[0], rig[1], frame);
        }

        rig[0].Stop();
        rig[1].Stop();
        Assert.Equal(0, rig.Pool.Statistics.InUse);
        Assert.Equal(0u, rig[1].GetStatistics().InputErrors + rig[1].GetStatistics().OutputErrors);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Bursts_go_round_and_round_in_order(string keys)
    {
        using PeerRig rig = Pair(keys);
        var random = new Random(3);
        var burst = new Packet[32];
        int sent = 0, received = 0;
        while (received < 20_000)
        {
            for (int i = random.Next(40); i > 0 && sent - received < 24; i--)
            {
                if (rig.TrySend(rig[0], TestFrame.Create(60 + (sent % 1400), sent)))
                    sent++;
            }

            // The port is the forwarder: what it receives it sends back.
            int count = rig[1].RxQueues[0].Receive(burst.AsSpan(0, random.Next(1, 33)));
            Assert.Equal(count, rig[1].TxQueues[0].Send(burst.AsSpan(0, count)));
            count = rig[0].RxQueues[0].Receive(burst);
            foreach (Packet packet in burst.AsSpan(0, count))
            {
                Assert.Equal(received, TestFrame.NumberOf(packet.Data));
                Assert.Equal(60 + (received % 1400), packet.Length);
                packet.Free();
                received++;
            }
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("packed_vq=1")]
    public void Four_queues_have_their_traffic_each(string keys)
    {
        using PeerRig rig = Pair(keys, queues: 4);
        for (int round = 0; round < 100; round++)
        {
            for (int queue = 0; queue < 4; queue++)
            {
                rig.Exchange(rig[0], rig[1], TestFrame.Create(60 + round, queue), queue);
                rig.Exchange(rig[1], rig[0], TestFrame.Create(60 + round, queue), queue);
            }
        }

        Assert.Equal(100u, rig[1].GetRxQueueStatistics(3).Packets);
        Assert.Contains(rig[1].GetExtendedStatistics(), statistic => statistic is { Name: "tx_q3_good_packets", Value: 100 });
    }

    [Fact]
    public void A_full_ring_leaves_packets_to_the_caller_and_drops_none()
    {
        using PeerRig rig = Pair("queue_size=32");
        int taken = 0;
        while (rig.TrySend(rig[1], TestFrame.Create(60, taken)))
            taken++;
        Assert.Equal(32, taken);
        for (int i = 0; i < taken; i++)
            Assert.Equal(i, TestFrame.NumberOf(rig.Receive(rig[0])));
        Assert.Equal(0u, rig[1].GetStatistics().OutputErrors);
    }

    [Theory]
    [InlineData("")]
    [InlineData("packed_vq=1")]
    public void A_port_that_is_stopped_and_started_keeps_its_connection(string keys)
    {
        using PeerRig rig = Pair(keys);
        for (int round = 0; round < 5; round++)
        {
            rig.Exchange(rig[0], rig[1], TestFrame.Create(1514, round));
            rig.Exchange(rig[1], rig[0], TestFrame.Create(1514, round));
            rig.TrySend(rig[0], TestFrame.Create(60));
            rig[1].Stop();
            rig.WaitForLink(rig[0], isUp: false);
            rig[1].Start();
            rig.WaitForLink(rig[1]);
            rig.WaitForLink(rig[0]);
        }

        Assert.Contains(rig[1].GetExtendedStatistics(), statistic => statistic is { Name: "connections", Value: 1 });
        rig[1].Stop();
        rig[0].Stop();
        Assert.Equal(0, rig.Pool.Statistics.InUse);
    }

    [Theory]
    [InlineData("")]
    [InlineData("packed_vq=1")]
    public void Memory_that_comes_while_packets_flow_is_shown_before_it_is_used(string keys)
    {
        using PeerRig rig = Pair(keys);
        for (int i = 0; i < 12; i++)
        {
            using Mempool pool = rig.Runtime.CreateMempool(new MempoolOptions { Name = $"more {i}", Count = 2048, CacheSize = 0 });
            Assert.True(pool.TryAllocate(out Packet packet));
            byte[] frame = TestFrame.Create(1000, i);
            Assert.True(packet.TryAppend(frame.Length, out Span<byte> data));
            frame.CopyTo(data);
            Assert.Equal(1, rig[1].TxQueues[0].Send([packet]));
            Assert.Equal(frame, rig.Receive(rig[0]));
            rig.Exchange(rig[0], rig[1], frame);
            rig[1].Stop();
            rig[1].Start();
            rig.WaitForLink(rig[1]);
            rig.WaitForLink(rig[0]);
        }
    }

    [Fact]
    public void A_lcore_that_sleeps_is_woken_by_a_frame_and_by_a_back_end_that_comes()
    {
        using var rig = new PeerRig($"net_virtio_user0,path={Path}");
        rig.Start(interrupts: true);
        var waiter = new RxWaiter(rig[0].RxQueues);
        Assert.False(waiter.Wait(TimeSpan.FromMilliseconds(1)));
        using var peer = new PeerRig($"net_vhost0,iface={Path}");
        peer.Connect();
        rig.WaitForLink(rig[0]);
        Assert.True(waiter.Wait(TimeSpan.FromSeconds(60)));
        for (int i = 0; i < 10; i++)
        {
            while (waiter.Wait(TimeSpan.FromMilliseconds(1)))
                Assert.Equal(0, rig[0].RxQueues[0].Receive(new Packet[4]));
            byte[] frame = TestFrame.Create(60, i);
            Assert.True(peer.TrySend(peer[0], frame));
            Assert.True(waiter.Wait(TimeSpan.FromSeconds(60)));
            Assert.Equal(frame, rig.Receive(rig[0]));
        }
    }

    [Fact]
    public unsafe void A_call_file_that_a_back_end_has_filled_holds_nobody_up()
    {
        using var rig = new PeerRig($"net_virtio_user0,path={Path}");
        rig.Start(interrupts: true);
        // A back end has a copy, and may do this at any moment.
        EventFd call = rig[0].RxQueues[0].Interrupt!;
        ulong full = ulong.MaxValue - 1;
        Assert.Equal(sizeof(ulong), Libc.Write(call.Handle, &full, sizeof(ulong)));
        Assert.Equal(0, Libc.Fcntl(call.Handle, Libc.F_SETFL, 0));
        using var peer = new PeerRig($"net_vhost0,iface={Path}");
        peer.Connect();
        rig.WaitForLink(rig[0]);
    }

    /// <summary>A back end, port 0, and the port, number 1, connected.</summary>
    private PeerRig Pair(string keys, int queues = 1)
    {
        string more = keys.Length == 0 ? "" : $",{keys}";
        var rig = new PeerRig(
            $"net_vhost0,iface={Path},queues={queues}", $"net_virtio_user0,path={Path},queues={queues}{more}");
        return rig.Connect(queues);
    }
}
