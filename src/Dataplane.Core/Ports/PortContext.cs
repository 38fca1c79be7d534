using Dataplane.Memory;
using Microsoft.Extensions.Logging;

namespace Dataplane.Ports;

/// <summary>What the runtime gives a driver to make a port.</summary>
public sealed class PortContext
{
    /// <summary>Number of the port within the runtime.</summary>
    public required int Id { get; init; }

    /// <summary>The device's name, unique within the runtime.</summary>
    public required string Name { get; init; }

    /// <summary>The driver's name.</summary>
    public required string DriverName { get; init; }

    /// <summary>Memory that devices and peers can reach; outlives the port.</summary>
    public required DataplaneMemory Memory { get; init; }

    /// <summary>For the driver's notices.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>The ports made before this one, for those that are connected to each other.</summary>
    public required IReadOnlyList<Port> Ports { get; init; }

    /// <summary>NUMA node that the device is attached to; -1 for none.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>The same with another log.</summary>
    internal PortContext With(ILogger logger) => new()
    {
        Id = Id,
        Name = Name,
        DriverName = DriverName,
        Memory = Memory,
        Logger = logger,
        Ports = Ports,
        NumaNode = NumaNode,
    };
}
