namespace Dataplane.Vfio.Nics.E1000;

/// <summary>In what the devices of the driver differ.</summary>
internal sealed record E1000Model
{
    /// <summary>8254x with copper PHY: PCI and PCI-X, one queue, no MSI-X.</summary>
    public static readonly E1000Model Pci = new() { RxBufferSize = 40, MaxFrame = 16128 - 4 };

    /// <summary>82583V: PCI Express, one queue, no MSI-X.</summary>
    public static readonly E1000Model Express = new() { IsExpress = true, RxBufferSize = 20, MaxFrame = 9234 - 4 };

    /// <summary>82574: two queues, RSS and MSI-X besides.</summary>
    public static readonly E1000Model ExpressMultiQueue = Express with { Queues = 2 };

    /// <summary>PCI Express, with extended receive descriptors and a PHY that is shared with firmware.</summary>
    public bool IsExpress { get; private init; }

    /// <summary>Queues of either direction.</summary>
    public int Queues { get; private init; } = 1;

    /// <summary>KiB of the packet buffer for receiving (PBA); the longest frame fits into the rest.</summary>
    public uint RxBufferSize { get; private init; }

    /// <summary>The longest frame with VLAN tag, without FCS, in bytes.</summary>
    public int MaxFrame { get; private init; }

    /// <summary>The largest MTU: what a frame holds behind addresses, VLAN tag and type.</summary>
    public int MaxMtu => MaxFrame - 18;
}
