using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>What a port's driver is given to make a receive queue.</summary>
/// <param name="index">Number of the queue within its port.</param>
/// <param name="descriptors">Packets that the queue shall hold.</param>
/// <param name="pool">Where buffers come from.</param>
/// <param name="counters">The counters, owned by the port.</param>
public sealed unsafe class RxQueueContext(int index, int descriptors, Mempool pool, QueueCounters* counters)
{
    /// <summary>Number of the queue within its port.</summary>
    public int Index => index;

    /// <summary>Packets that the queue shall hold.</summary>
    public int Descriptors => descriptors;

    /// <summary>Where buffers come from.</summary>
    public Mempool Pool => pool;

    internal QueueCounters* Counters => counters;
}

/// <summary>What a port's driver is given to make a transmit queue.</summary>
/// <param name="index">Number of the queue within its port.</param>
/// <param name="descriptors">Packets that the queue shall hold.</param>
/// <param name="counters">The counters, owned by the port.</param>
public sealed unsafe class TxQueueContext(int index, int descriptors, QueueCounters* counters)
{
    /// <summary>Number of the queue within its port.</summary>
    public int Index => index;

    /// <summary>Packets that the queue shall hold.</summary>
    public int Descriptors => descriptors;

    internal QueueCounters* Counters => counters;
}
