using Dataplane.Packets;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>The keys of a memif device.</summary>
internal sealed record MemifOptions
{
    public required PeerAddress Address { get; init; }

    public bool IsServer { get; init; }

    public uint Id { get; init; }

    /// <summary>Bytes of a shared buffer; a client's.</summary>
    public int BufferSize { get; init; } = 2048;

    /// <summary>Logarithm of the descriptors of a ring; a client's.</summary>
    public int Log2RingSize { get; init; } = 10;

    public MacAddress? MacAddress { get; init; }

    /// <summary>Empty for none.</summary>
    public string Secret { get; init; } = "";

    /// <summary>Client: the server works on our own buffers.</summary>
    public bool ZeroCopy { get; init; }

    /// <summary>How rings are laid out; null: found out from the peer.</summary>
    public MemifRingLayout? Layout { get; init; }

    /// <summary>Who the server's socket belongs to; null: whoever we are.</summary>
    public uint? OwnerUid { get; init; }

    /// <inheritdoc cref="OwnerUid"/>
    public uint? OwnerGid { get; init; }

    /// <summary>
    /// From buffer to buffer: an odd number of cache lines, as in a mempool. With an even one the headers of all frames would
    /// share a fraction of the sets of the caches.
    /// </summary>
    public uint BufferStride => (((uint)BufferSize + 63) / 64 | 1) * 64;

    /// <summary>As messages name it: the interface of the socket.</summary>
    public override string ToString() => $"{(IsServer ? "server" : "client")} of id {Id} at {Address}";
}
