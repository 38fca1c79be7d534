namespace Dataplane.Vdev.AfXdp;

/// <summary>The bound sockets of those ports of a runtime that share registered memory. Control plane only.</summary>
internal sealed class UmemGroup
{
    private readonly List<XskSocket> _sockets = [];

    /// <summary>A bound socket with the same memory; null if there is none, and the next socket registers it.</summary>
    public XskSocket? Find(Umem umem) => _sockets.Find(socket => socket.Umem.IsSameAs(umem));

    /// <summary>Others may share the registration of a socket, which is bound.</summary>
    public void Add(XskSocket socket) => _sockets.Add(socket);

    /// <summary>It is about to be closed; who shares its registration keeps that.</summary>
    public void Remove(XskSocket socket) => _sockets.Remove(socket);
}
