using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Ports;

/// <summary>
/// A transmit queue of a port. One lcore sends on a queue; different queues are independent. It is made by
/// <see cref="Port.Configure"/> and gone with the next configuration or when the port is closed.
/// </summary>
public abstract unsafe class TxQueue
{
    // A lcore may hold nothing but its queue: the counters must not be finalized with a port that nobody holds.
    private readonly AlignedMemory _countersMemory;

    /// <summary>Made by its port, which owns the counters.</summary>
    protected TxQueue(TxQueueContext context)
    {
        Index = context.Index;
        Counters = context.Counters;
        _countersMemory = context.CountersMemory;
    }

    /// <summary>Number of the queue within its port.</summary>
    public int Index { get; }

    /// <summary>What the queue has counted; written by the sending lcore only.</summary>
    protected internal QueueCounters* Counters { get; }

    /// <summary>
    /// Sends packets in order, without waiting and without holding any back for a fuller burst.
    /// Only while the port is started, and only on the lcore of this queue.
    /// </summary>
    /// <param name="burst">Packets that the caller owns.</param>
    /// <returns>
    /// How many the queue took: a prefix of <paramref name="burst"/>. The queue owns those and gives them back to their
    /// pool when the device is done; the caller still owns the rest.
    /// </returns>
    public abstract int Send(ReadOnlySpan<Packet> burst);
}
