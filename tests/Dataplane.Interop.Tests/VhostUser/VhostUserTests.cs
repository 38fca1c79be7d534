using Dataplane.Interop.Tests.Rig;

namespace Dataplane.Interop.Tests.VhostUser;

/// <summary>All ways in which a front end and a back end of vhost-user talk; one of them is ours, the other DPDK's.</summary>
/// <param name="weAreFrontEnd">Whether ours is the net_virtio_user; else it is the net_vhost.</param>
public abstract class VhostUserTests(bool weAreFrontEnd) : PeerTests
{
    /// <summary>Name, keys of the front end, queues.</summary>
    private static readonly (string Name, string FrontEnd, int Queues)[] s_ways =
    [
        ("split", "in_order=0", 1),
        ("split without mergeable buffers", "in_order=0,mrg_rxbuf=0", 1),
        ("split in order", "in_order=1", 1),
        ("split in order without mergeable buffers", "in_order=1,mrg_rxbuf=0", 1),
        ("split of 4 queues", "in_order=0", 4),
        ("packed", "packed_vq=1,in_order=0", 1),
        ("packed without mergeable buffers", "packed_vq=1,in_order=0,mrg_rxbuf=0", 1),
        ("packed in order", "packed_vq=1,in_order=1", 1),
        ("packed of 4 queues", "packed_vq=1,in_order=0", 4),
        ("split, the front end listens", "in_order=0,server=1", 1),
        ("packed, the front end listens", "packed_vq=1,in_order=0,server=1", 1),
    ];

    public static TheoryData<string> All => [.. s_ways.Select(way => way.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void Frames_of_all_sizes_come_back_byte_for_byte(string way) => ExchangeFramesOfAllSizes(Find(way));

    private protected Pairing Find(string name)
    {
        (_, string keys, int queues) = s_ways.Single(way => way.Name == name);
        bool frontEndListens = keys.Contains("server=1", StringComparison.Ordinal);
        IReadOnlyList<string> frontEnd = Pairing.Twice(
            $"net_virtio_user#,path=DIR/v#.sock,queues={queues},queue_size={(queues == 1 ? 1024 : 256)},{keys}");
        IReadOnlyList<string> backEnd = Pairing.Twice(
            $"net_vhost#,iface=DIR/v#.sock,queues={queues},client={(frontEndListens ? 1 : 0)}");
        return new Pairing(name, weAreFrontEnd ? frontEnd : backEnd, weAreFrontEnd ? backEnd : frontEnd)
        {
            Queues = queues,
            LongestFrame = keys.Contains("mrg_rxbuf=0", StringComparison.Ordinal) ? 1518 : 9018,
            TheyListen = weAreFrontEnd != frontEndListens,
        };
    }
}
