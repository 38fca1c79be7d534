using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>What a port's driver is given to make a receive queue.</summary>
public sealed unsafe class RxQueueContext
{
    internal RxQueueContext(int index, PortConfiguration configuration, QueueCounters* counters, AlignedMemory countersMemory)
    {
        Index = index;
        Descriptors = configuration.RxDescriptors;
        Pool = configuration.Pool;
        Offloads = configuration.Offloads;
        Interrupts = configuration.RxInterrupts;
        Counters = counters;
        CountersMemory = countersMemory;
    }

    /// <summary>Number of the queue within its port.</summary>
    public int Index { get; }

    /// <summary>Packets that the queue shall hold.</summary>
    public int Descriptors { get; }

    /// <summary>Where buffers come from.</summary>
    public Mempool Pool { get; }

    /// <summary>Work that the queue shall do.</summary>
    public PortOffloads Offloads { get; }

    /// <summary>Whether lcores may sleep until packets arrive.</summary>
    public bool Interrupts { get; }

    internal QueueCounters* Counters { get; }

    internal AlignedMemory CountersMemory { get; }
}

/// <summary>What a port's driver is given to make a transmit queue.</summary>
public sealed unsafe class TxQueueContext
{
    internal TxQueueContext(int index, PortConfiguration configuration, QueueCounters* counters, AlignedMemory countersMemory)
    {
        Index = index;
        Descriptors = configuration.TxDescriptors;
        Offloads = configuration.Offloads;
        Counters = counters;
        CountersMemory = countersMemory;
    }

    /// <summary>Number of the queue within its port.</summary>
    public int Index { get; }

    /// <summary>Packets that the queue shall hold.</summary>
    public int Descriptors { get; }

    /// <summary>Work that the queue shall do.</summary>
    public PortOffloads Offloads { get; }

    internal QueueCounters* Counters { get; }

    internal AlignedMemory CountersMemory { get; }
}
