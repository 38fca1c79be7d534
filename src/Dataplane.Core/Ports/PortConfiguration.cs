using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>Queues of a port and where their buffers come from.</summary>
/// <param name="Pool">Where the receive queues take buffers; outlives the port.</param>
public sealed record PortConfiguration(Mempool Pool)
{
    /// <summary>Packets that a queue holds unless the program says otherwise.</summary>
    public const int DefaultDescriptors = 1024;

    /// <summary>Receive queues.</summary>
    public int RxQueues { get; init; } = 1;

    /// <summary>Transmit queues.</summary>
    public int TxQueues { get; init; } = 1;

    /// <summary>Packets that a receive queue holds.</summary>
    public int RxDescriptors { get; init; } = DefaultDescriptors;

    /// <summary>Packets that a transmit queue holds.</summary>
    public int TxDescriptors { get; init; } = DefaultDescriptors;
}
