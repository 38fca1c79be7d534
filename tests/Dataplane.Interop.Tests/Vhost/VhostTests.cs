using Dataplane.Interop.Tests.Rig;

namespace Dataplane.Interop.Tests.Vhost;

/// <summary>Our net_vhost is the back end of DPDK's net_virtio_user.</summary>
public class VhostTests : PeerTests
{
    private static readonly Pairing[] s_pairings =
    [
        Pair("split"),
        Pair("split without mergeable buffers", "mrg_rxbuf=0") with { LongestFrame = 1518 },
        Pair("split in order", "in_order=1"),
        Pair("split in order without mergeable buffers", "in_order=1,mrg_rxbuf=0") with { LongestFrame = 1518 },
        Pair("split of 4 queues", queues: 4),
        Pair("packed", "packed_vq=1"),
        Pair("packed without mergeable buffers", "packed_vq=1,mrg_rxbuf=0") with { LongestFrame = 1518 },
        Pair("packed in order", "packed_vq=1,in_order=1"),
        Pair("packed of 4 queues", "packed_vq=1", queues: 4),
        Pair("split as client", "server=1", "client=1") with { TheyListen = true },
        Pair("packed as client", "packed_vq=1,server=1", "client=1") with { TheyListen = true },
    ];

    public static TheoryData<string> All => [.. s_pairings.Select(pairing => pairing.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void Frames_of_all_sizes_come_back_byte_for_byte(string pairing) => ExchangeFramesOfAllSizes(Find(pairing));

    [Theory]
    [InlineData("split")]
    [InlineData("packed")]
    [InlineData("split as client")]
    public void The_peer_is_killed_and_restarted_under_load(string pairing) => KillThem(Find(pairing));

    private static Pairing Find(string name) => s_pairings.Single(pairing => pairing.Name == name);

    private static Pairing Pair(string name, string theirs = "in_order=0", string ours = "client=0", int queues = 1) => new(
        name,
        Pairing.Twice($"net_vhost#,iface=DIR/v#.sock,queues={queues},{ours}"),
        Pairing.Twice($"net_virtio_user#,path=DIR/v#.sock,queues={queues},queue_size={(queues == 1 ? 1024 : 256)},{theirs}"))
    {
        Queues = queues,
    };
}
