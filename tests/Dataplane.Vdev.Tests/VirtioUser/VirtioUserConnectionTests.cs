using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vdev.Tests.Peers;

namespace Dataplane.Vdev.Tests.VirtioUser;

/// <summary>Back ends that come and go. Alone in the process: other tests open and close descriptors of their own.</summary>
[Collection(AllocationCollection.Name)]
public sealed class VirtioUserConnectionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Path => _folder["vhost.sock"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "")]
    [InlineData("packed_vq=1", "")]
    [InlineData("server=1", "client=1")]
    [InlineData("server=1,packed_vq=1", "client=1")]
    public void A_back_end_may_go_and_come_under_load_and_no_descriptor_or_packet_is_lost(string keys, string peerKeys)
    {
        using var rig = new PeerRig(Device(keys));
        rig.Start();
        Port port = rig[0];
        int descriptors = 0;
        for (int round = 0; round < 5; round++)
        {
            using (var peer = new PeerRig($"net_vhost0,iface={Path}{More(peerKeys)}"))
            {
                peer.Connect();
                rig.WaitForLink(port);
                byte[] frame = TestFrame.Create(1514, round);
                peer.Exchange(peer[0], port, frame);
                rig.Exchange(port, peer[0], frame);
                for (int i = 0; i < 100; i++)
                {
                    peer.TrySend(peer[0], frame);
                    rig.TrySend(port, frame);
                }

                if (round % 2 == 0)
                    peer[0].Stop();
            }

            rig.WaitForLink(port, isUp: false);
            Assert.True(rig.TrySend(port, TestFrame.Create(60)), "while there is no back end, packets are dropped");
            Assert.Equal(0, port.RxQueues[0].Receive(new Packet[4]));
            rig.WaitUntil(() => rig.Pool.Statistics.InUse == 0, "buffers are not back");
            if (round == 2)
                descriptors = CountOpen();
        }

        Assert.InRange(CountOpen(), 0, descriptors + 2);
        Assert.Contains(port.GetExtendedStatistics(), statistic => statistic is { Name: "connections", Value: 5 });
        Assert.Equal(5u, port.GetStatistics().OutputErrors);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("server=1", "client=1")]
    public void The_port_may_go_and_come_while_the_back_end_stays(string keys, string peerKeys)
    {
        using var peer = new PeerRig($"net_vhost0,iface={Path}{More(peerKeys)}");
        peer.Start();
        for (int round = 0; round < 5; round++)
        {
            using var rig = new PeerRig(Device(keys));
            rig.Connect();
            rig.WaitForLink(peer[0]);
            byte[] frame = TestFrame.Create(1514, round);
            rig.Exchange(rig[0], peer[0], frame);
            rig.Exchange(peer[0], rig[0], frame);
            rig.TrySend(rig[0], frame);
        }

        peer.WaitForLink(peer[0], isUp: false);
        peer[0].Stop();
        peer.WaitUntil(() => peer.Pool.Statistics.InUse == 0, "buffers are not back");
    }

    [Fact]
    public void A_second_back_end_is_refused_while_the_first_is_there_and_taken_when_it_has_gone()
    {
        using var rig = new PeerRig(Device("server=1"));
        rig.Start();
        using var second = new PeerRig($"net_vhost0,iface={Path},client=1");
        using (var first = new PeerRig($"net_vhost0,iface={Path},client=1"))
        {
            first.Connect();
            rig.WaitForLink(rig[0]);
            second.Start();
            rig.WaitForLog("is refused");
            rig.Exchange(rig[0], first[0], TestFrame.Create(60));
        }

        rig.WaitForLink(second[0]);
        rig.WaitForLink(rig[0]);
        rig.Exchange(rig[0], second[0], TestFrame.Create(60));
    }

    [Theory]
    [InlineData("queues=4", "", "has 1 pairs of queues, and 4 are to be used; give")]
    public void A_back_end_that_cannot_be_used_is_left_with_a_sentence(string keys, string peerKeys, string sentence)
    {
        using var rig = new PeerRig(Device(keys));
        rig.Start(queues: 4);
        using var peer = new PeerRig($"net_vhost0,iface={Path}{More(peerKeys)}");
        peer.Start();
        rig.WaitForLog(sentence);
        Assert.False(rig[0].GetLink().IsUp);
    }

    [Theory]
    [InlineData("net_virtio_user0", "has no path")]
    [InlineData("net_virtio_user0,path=/dev/vhost-net", "cannot use the kernel's vhost-net")]
    [InlineData("net_virtio_user0,path=x,iface=tap0", "cannot use the kernel's vhost-net")]
    [InlineData("net_virtio_user0,path=x,queue_size=100", "a power of two")]
    [InlineData("net_virtio_user0,path=x,queues=129", "a number from 1 to 128")]
    [InlineData("net_virtio_user0,path=x,mac=01:00:00:00:00:00", "the MAC address of one station")]
    public void A_wrong_key_is_refused(string device, string sentence)
    {
        DataplaneException refusal = Assert.ThrowsAny<DataplaneException>(() => new PeerRig(device).Dispose());
        Assert.Contains(sentence, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_of_DPDK_are_taken_and_shown()
    {
        using var rig = new PeerRig(
            $"net_virtio_user0,path={Path},mac=02:00:00:00:00:42,speed=25000,cq=1,vectorized=1,queues=2");
        using var peer = new PeerRig($"net_vhost0,iface={Path},queues=2");
        peer.Start(queues: 2);
        rig.Connect(queues: 2);
        Assert.Equal(new MacAddress([2, 0, 0, 0, 0, 0x42]), rig[0].MacAddress);
        Assert.Equal(new LinkStatus(IsUp: true, 25_000), rig[0].GetLink());
    }

    [Fact]
    public void Queues_that_no_back_end_can_serve_are_refused()
    {
        using var rig = new PeerRig(Device("queues=2,mrg_rxbuf=0"));
        Refuse(new PortConfiguration(rig.Pool) { RxQueues = 1, TxQueues = 2 }, "need as many rx queues");
        Refuse(new PortConfiguration(rig.Pool) { TxQueues = 0 }, "needs a queue of each direction");
        rig[0].SetMtu(2026);
        rig[0].Configure(new PortConfiguration(rig.Pool));
        Assert.Contains("mrg_rxbuf=0", Assert.Throws<DataplaneException>(() => rig[0].SetMtu(9000)).Message, StringComparison.Ordinal);

        void Refuse(PortConfiguration configuration, string sentence) => Assert.Contains(
            sentence, Assert.Throws<DataplaneException>(() => rig[0].Configure(configuration)).Message, StringComparison.Ordinal);
    }

    private static string More(string keys) => keys.Length == 0 ? "" : $",{keys}";

    private static int CountOpen() => Directory.GetFiles("/proc/self/fd").Count(file => new HostFiles().ReadLink(file) is { } target
        && (target.StartsWith("socket", StringComparison.Ordinal) || target.Contains("eventfd", StringComparison.Ordinal)));

    private string Device(string keys) => $"net_virtio_user0,path={Path}{More(keys)}";
}
