using Dataplane.Interop.Tests.Rig;

namespace Dataplane.Interop.Tests.Memif;

public class MemifTests : PeerTests
{
    private static readonly Pairing[] s_pairings =
    [
        Pair("server", "role=server", "role=client"),
        Pair("server of 4 queues", "role=server", "role=client") with { Queues = 4 },
        Pair("server of small buffers and rings", "role=server", "role=client,bsize=1024,rsize=8"),
        // Its second port cannot be another one: when a zero-copy port of DPDK is connected, it closes the descriptor of the
        // memory of all (memif_connect), and the next one gives away what has the same number by then.
        Pair("server of a zero-copy client", "role=server", "role=client,zero-copy=yes", "role=client"),
        Pair("client", "role=client", "role=server"),
        Pair("client of 4 queues", "role=client", "role=server") with { Queues = 4 },
        Pair("client with small buffers and rings", "role=client,bsize=512,rsize=9", "role=server"),
        Pair("zero-copy client", "role=client,zero-copy=yes", "role=server"),
        Pair("zero-copy client of 4 queues", "role=client,zero-copy=yes", "role=server") with { Queues = 4 },
    ];

    public static TheoryData<string> All => [.. s_pairings.Select(pairing => pairing.Name)];

    [Theory]
    [MemberData(nameof(All))]
    public void Frames_of_all_sizes_come_back_byte_for_byte(string pairing) => ExchangeFramesOfAllSizes(Find(pairing));

    [Theory]
    [MemberData(nameof(All))]
    public void Frames_come_back_from_a_peer_that_was_there_first(string pairing) => ExchangeFramesWithWaitingPeer(Find(pairing));

    [Theory]
    [InlineData("server", 3)]
    [InlineData("client", 50)]
    [InlineData("zero-copy client", 3)]
    public void We_are_killed_and_restarted_under_load(string pairing, int rounds) => KillUs(Find(pairing), rounds);

    [Theory]
    [InlineData("server", 50)]
    [InlineData("server of a zero-copy client", 3)]
    [InlineData("client", 3)]
    [InlineData("zero-copy client", 3)]
    public void The_peer_is_killed_and_restarted_under_load(string pairing, int rounds) => KillThem(Find(pairing), rounds);

    private static Pairing Find(string name) => s_pairings.Single(pairing => pairing.Name == name);

    private static Pairing Pair(string name, string ours, string theirs) => Pair(name, ours, theirs, theirs);

    private static Pairing Pair(string name, string ours, string theirFirst, string theirSecond) =>
        new(name, [Port(0, ours), Port(1, ours)], [Port(0, theirFirst), Port(1, theirSecond)])
        {
            TheyConnectOnce = theirFirst.StartsWith("role=client", StringComparison.Ordinal),
            TheyListen = theirFirst.StartsWith("role=server", StringComparison.Ordinal),
        };

    private static string Port(int id, string keys) => $"net_memif{id},socket=DIR/memif.sock,socket-abstract=no,id={id},{keys}";
}
