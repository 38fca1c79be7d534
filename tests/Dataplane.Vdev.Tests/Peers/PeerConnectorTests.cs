using Dataplane.Testing;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

public class PeerConnectorTests
{
    [Fact]
    public void It_says_once_why_it_waits_and_connects_when_the_peer_is_there()
    {
        var log = new RecordingLogger();
        using var folder = new TemporaryFolder();
        using var loop = new PeerLoop("test connector", log);
        using var connected = new SemaphoreSlim(0);
        PeerAddress address = PeerAddress.File("net_memif0", folder["socket"]);
        PeerSocket? connection = null;
        using var connector = new PeerConnector(loop, "net_memif0", address, PeerSocketKind.Messages, log, socket =>
        {
            connection = socket;
            connected.Release();
        });

        loop.Invoke(connector.Start);
        loop.Invoke(connector.Start);
        using var listener = new PeerListener("net_memif0", address, PeerSocketKind.Messages);
        Assert.True(connected.Wait(TimeSpan.FromSeconds(30)));
        loop.Dispose();
        connection?.Dispose();
        Assert.Equal([$"net_memif0 waits for its peer: {folder["socket"]} does not exist"], log.Lines);
    }
}
