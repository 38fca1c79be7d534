using Dataplane.Interop.Tests.Rig;

namespace Dataplane.Interop.Tests.VirtioUser;

/// <summary>Our net_virtio_user is the front end of DPDK's net_vhost.</summary>
public class VirtioUserTests : PeerTests
{
    private static readonly Pairing[] s_pairings =
    [
        Pair("split"),
        Pair("split without mergeable buffers", "mrg_rxbuf=0") with { LongestFrame = 1518 },
        Pair("split not in order", "in_order=0"),
        Pair("split of 4 queues", queues: 4),
        Pair("packed", "packed_vq=1"),
        Pair("packed without mergeable buffers", "packed_vq=1,mrg_rxbuf=0") with { LongestFrame = 1518 },
        Pair("packed in order", "packed_vq=1,in_order=1"),
        Pair("packed of 4 queues", "packed_vq=1", queues: 4),
        Pair("split as server", "server=1", "client=1") with { TheyListen = false },
        Pair("packed as server", "packed_vq=1,server=1", "client=1") with { TheyListen = false },
    ];

    public static TheoryData<string> All => [.. s_pairings.Select(pairing => pairing.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void Frames_of_all_sizes_come_back_byte_for_byte(string pairing) => ExchangeFramesOfAllSizes(Find(pairing));

    [Theory]
    [InlineData("split")]
    [InlineData("packed as server")]
    public void Frames_come_back_from_a_peer_that_was_there_first(string pairing) => ExchangeFramesWithWaitingPeer(Find(pairing));

    [Theory]
    [InlineData("split")]
    [InlineData("packed as server")]
    public void We_are_killed_and_restarted_under_load(string pairing) => KillUs(Find(pairing));

    [Theory]
    [InlineData("packed")]
    [InlineData("split as server")]
    public void The_peer_is_killed_and_restarted_under_load(string pairing) => KillThem(Find(pairing));

    private static Pairing Find(string name) => s_pairings.Single(pairing => pairing.Name == name);

    private static Pairing Pair(string name, string ours = "in_order=1", string theirs = "client=0", int queues = 1) => new(
        name,
        Pairing.Twice($"net_virtio_user#,path=DIR/v#.sock,queues={queues},queue_size={(queues == 1 ? 1024 : 256)},{ours}"),
        Pairing.Twice($"net_vhost#,iface=DIR/v#.sock,queues={queues},{theirs}"))
    {
        Queues = queues,
        TheyListen = true,
    };
}
