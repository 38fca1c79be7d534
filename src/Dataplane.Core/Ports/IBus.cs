using Dataplane.Eal;
using Dataplane.Memory;
using Microsoft.Extensions.Logging;

namespace Dataplane.Ports;

/// <summary>A bus with devices that may become ports, such as PCI.</summary>
public interface IBus : IPortSource
{
    /// <summary>
    /// Finds the devices that the options allow and that a driver of the bus knows, and opens what must be open to say which
    /// addresses they take. It runs before memory is reserved; no device is changed yet.
    /// </summary>
    /// <param name="options">Which devices, and how (<c>-a</c>, <c>-b</c>, <c>--no-pci</c>, ...).</param>
    /// <param name="loggers">For notices; a driver's category is its name.</param>
    /// <returns>The devices; the runtime disposes it behind the ports and before the memory.</returns>
    /// <exception cref="DataplaneException">A device that the options name cannot be used, with what mends it.</exception>
    IBusSession Scan(EalOptions options, ILoggerFactory loggers);
}

/// <summary>The devices of a bus that one runtime uses.</summary>
public interface IBusSession : IDisposable
{
    /// <summary>The kind of address that the devices must be given; null if they take either.</summary>
    IovaMode? RequiredIovaMode { get; }

    /// <summary>The devices, in the order in which they become ports.</summary>
    IReadOnlyList<BusDevice> Devices { get; }

    /// <summary>Makes the port of a device. What is half made is given back before it throws.</summary>
    /// <param name="device">One of <see cref="Devices"/>.</param>
    /// <param name="context">Its <see cref="PortContext.Memory"/> is the same for all devices of the session.</param>
    /// <returns>Null if the device cannot be used and nobody has asked for it by name; the log says why.</returns>
    /// <exception cref="DataplaneException">The device or the system refused.</exception>
    Port? CreatePort(BusDevice device, PortContext context);
}

/// <summary>A device that a driver knows.</summary>
/// <param name="Name">As the port will be called: <c>0000:01:00.0</c>.</param>
/// <param name="DriverName">The driver's name: <c>net_ixgbe</c>.</param>
/// <param name="NumaNode">NUMA node that the device is attached to; -1 for none.</param>
public sealed record BusDevice(string Name, string DriverName, int NumaNode);
