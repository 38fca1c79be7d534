namespace Dataplane.Interop.Tests.VhostUser;

/// <summary>Our net_virtio_user is the front end of DPDK's net_vhost.</summary>
public class VirtioUserTests() : VhostUserTests(weAreFrontEnd: true)
{
    [Theory]
    [InlineData("split in order")]
    [InlineData("packed, the front end listens")]
    public void Frames_come_back_from_a_peer_that_was_there_first(string way) => ExchangeFramesWithWaitingPeer(Find(way));

    [Theory]
    [InlineData("split in order", 50)]
    [InlineData("packed, the front end listens", 3)]
    public void We_are_killed_and_restarted_under_load(string way, int rounds) => KillUs(Find(way), rounds);

    [Theory]
    [InlineData("split, the front end listens", 50)]
    [InlineData("packed in order", 3)]
    [InlineData("packed", 3)]
    public void The_peer_is_killed_and_restarted_under_load(string way, int rounds) => KillThem(Find(way), rounds);
}
