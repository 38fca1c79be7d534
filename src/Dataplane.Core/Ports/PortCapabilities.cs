namespace Dataplane.Ports;

/// <summary>What a port can do, as its driver knows it.</summary>
public sealed record PortCapabilities
{
    /// <summary>Most receive queues.</summary>
    public int MaxRxQueues { get; init; } = 1;

    /// <summary>Most transmit queues.</summary>
    public int MaxTxQueues { get; init; } = 1;

    /// <summary>What <see cref="PortConfiguration.Offloads"/> may ask for.</summary>
    public PortOffloads Offloads { get; init; }

    /// <summary>What <see cref="PortConfiguration.RssHash"/> may ask for; what it asks beyond is left out.</summary>
    public RssHash RssHash { get; init; }

    /// <summary>Whether rx queues can wake a sleeping lcore (<see cref="PortConfiguration.RxInterrupts"/>).</summary>
    public bool HasRxInterrupts { get; init; }

    /// <summary>Smallest MTU in bytes; RFC 791 has every link carry 68.</summary>
    public int MinMtu { get; init; } = 68;

    /// <summary>Largest MTU in bytes.</summary>
    public int MaxMtu { get; init; } = ushort.MaxValue;
}
