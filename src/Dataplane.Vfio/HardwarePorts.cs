using Dataplane.Ports;

namespace Dataplane.Vfio;

/// <summary>What this package makes ports of.</summary>
public static class HardwarePorts
{
    /// <summary>
    /// The PCI bus with every driver of this package, for
    /// <see cref="DataplaneRuntime.Create(Eal.EalOptions, IEnumerable{IPortSource}, Microsoft.Extensions.Logging.ILoggerFactory?)"/>.
    /// </summary>
    public static IReadOnlyList<IPortSource> All { get; } = [new PciBus()];
}
