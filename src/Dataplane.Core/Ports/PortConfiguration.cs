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

    /// <summary>Work that the port shall do; only what its <see cref="PortCapabilities.Offloads"/> have.</summary>
    public PortOffloads Offloads { get; init; }

    /// <summary>How packets spread over several rx queues. Of no meaning with one.</summary>
    public RssHash RssHash { get; init; } = RssHash.Ip | RssHash.Tcp | RssHash.Udp;

    /// <summary>Whether lcores may sleep until packets arrive, by <see cref="RxWaiter"/>.</summary>
    public bool RxInterrupts { get; init; }
}
