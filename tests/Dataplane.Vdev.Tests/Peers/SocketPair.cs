using Dataplane.Testing;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Tests.Peers;

/// <summary>Two ends of a connection.</summary>
internal sealed class SocketPair : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public SocketPair(PeerSocketKind kind)
    {
        PeerAddress address = PeerAddress.File("port", _folder["socket"]);
        using var listener = new PeerListener("port", address, kind);
        Client = PeerSocket.TryConnect(address, kind, out string reason) ?? throw new InvalidOperationException(reason);
        Server = listener.TryAccept() ?? throw new InvalidOperationException("nobody came");
    }

    public PeerSocket Client { get; }

    public PeerSocket Server { get; }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
        _folder.Dispose();
    }
}
