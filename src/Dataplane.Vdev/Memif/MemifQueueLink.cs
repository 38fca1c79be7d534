using Dataplane.Linux;
using Dataplane.Vdev.Peers;

namespace Dataplane.Vdev.Memif;

/// <summary>A region of a connection, as the fast path checks against it.</summary>
internal unsafe struct MemifRegion
{
    public byte* Address;
    public ulong Length;
}

/// <summary>What a queue uses of a connection. Set by the control thread while the gate of the queue is closed.</summary>
internal sealed unsafe class MemifQueueLink
{
    /// <summary>The ring of the queue.</summary>
    public required MemifRing Ring { get; init; }

    /// <summary>The regions, by index; live as long as <see cref="Returns"/> has packets out.</summary>
    public required MemifRegion* Regions { get; init; }

    public required int RegionCount { get; init; }

    /// <summary>Client without zero-copy: where the buffers of the ring start in region 0.</summary>
    public uint BuffersOffset { get; init; }

    /// <summary>Server, tx: what wakes the client.</summary>
    public EventFd? Kick { get; init; }

    /// <summary>Rx: who knows which buffers are lent.</summary>
    public ExternalReturns? Returns { get; init; }

    /// <summary>Zero-copy: which of our memory the peer has.</summary>
    public MemifSharedMemory? Shared { get; init; }

    /// <summary>Tells the control thread that the peer broke a rule: what it did, as it reads after the peer's name.</summary>
    public required Action<string> Report { get; init; }
}

/// <summary>A queue as its connection handles it: by the control thread.</summary>
internal interface IMemifQueue
{
    /// <summary>
    /// Client: what the receiver of the ring is woken by; the server gets a copy. Server: what the client signals takes its
    /// place, if lcores wait for it. Null where nobody needs it; the queue's.
    /// </summary>
    EventFd? Event { get; }

    /// <summary>
    /// Client, while detached: gives the queue another file to wake the next server by; the last one may have kept a copy.
    /// </summary>
    void RenewKick()
    {
    }

    /// <summary>Lets frames flow.</summary>
    void Attach(MemifQueueLink link);

    /// <summary>
    /// Now and then, while attached: wakes a peer that has begun to sleep. Whether it sleeps is looked at by the lcore without a
    /// fence until it has slept once, so that the first time may be missed.
    /// </summary>
    void WakeSleeper()
    {
    }

    /// <summary>Lets no lcore in any more, and gives back what the connection holds of ours.</summary>
    void Detach();
}

/// <summary>Which end of the connection a queue is at; as a type parameter, so that each is compiled for itself.</summary>
internal interface IMemifSide
{
    static abstract bool IsServer { get; }
}

/// <summary>The end that owns no memory: its buffers are the client's.</summary>
internal readonly struct ServerSide : IMemifSide
{
    public static bool IsServer => true;
}

/// <summary>The end that owns the memory.</summary>
internal readonly struct ClientSide : IMemifSide
{
    public static bool IsServer => false;
}
