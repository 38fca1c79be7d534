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
        using var connector = new PeerConnector(loop.After, "net_memif0", address, PeerSocketKind.Messages, log, socket =>
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

    [Fact]
    public void It_tries_again_soon_at_first_and_once_a_second_in_the_end_and_soon_again_behind_a_new_start()
    {
        using var folder = new TemporaryFolder();
        var waits = new List<double>();
        PeerTimer? next = null;
        PeerTimer After(TimeSpan wait, Action action)
        {
            waits.Add(wait.TotalMilliseconds);
            return next = new PeerTimer(action);
        }

        PeerAddress address = PeerAddress.File("net_memif0", folder["socket"]);
        PeerSocket? connection = null;
        using var connector = new PeerConnector(
            After, "net_memif0", address, PeerSocketKind.Messages, new RecordingLogger(), socket => connection = socket);
        connector.Start();
        for (int i = 0; i < 6; i++)
            next!.Run();
        PeerTimer pending = next!;
        connector.Start();
        pending.Run();
        Assert.Equal([50, 100, 200, 400, 800, 1000, 1000, 50], waits);

        using var listener = new PeerListener("net_memif0", address, PeerSocketKind.Messages);
        next!.Run();
        using PeerSocket? connected = connection;
        Assert.NotNull(connected);
        next.Run();
        Assert.Equal([50, 100], waits[^2..]);
    }
}
