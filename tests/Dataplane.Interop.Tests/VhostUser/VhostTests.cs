namespace Dataplane.Interop.Tests.VhostUser;

/// <summary>Our net_vhost is the back end of DPDK's net_virtio_user.</summary>
public class VhostTests() : VhostUserTests(weAreFrontEnd: false)
{
    // Only a listening front end of DPDK waits for another back end.
    [Theory]
    [InlineData("split, the front end listens", 50)]
    [InlineData("packed, the front end listens", 3)]
    public void We_are_killed_and_restarted_under_load(string way, int rounds) => KillUs(Find(way), rounds);

    [Theory]
    [InlineData("split", 50)]
    [InlineData("packed", 3)]
    [InlineData("split, the front end listens", 3)]
    public void The_peer_is_killed_and_restarted_under_load(string way, int rounds) => KillThem(Find(way), rounds);
}
