using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>Queues of a port and where their buffers come from.</summary>
/// <param name="Pool">Where the receive queues take buffers; outlives the port.</param>
public sealed record PortConfiguration(Mempool Pool)
{
    /// <summary>Receive queues.</summary>
    public int RxQueues { get; init; } = 1;

    /// <summary>Transmit queues.</summary>
    public int TxQueues { get; init; } = 1;

    /// <summary>Packets that a receive queue holds.</summary>
    public int RxDescriptors { get; init; } = 1024;

    /// <summary>Packets that a transmit queue holds.</summary>
    public int TxDescriptors { get; init; } = 1024;
}
