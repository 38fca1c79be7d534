using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.E1000;

namespace Dataplane.DeviceModels.Tests.E1000;

/// <summary>
/// 82540EM: one queue, INTx. QEMU's checks no checksums of what it receives, and drops frames that were waiting for buffers
/// if there are not enough for all of them.
/// </summary>
/// <param name="device">QEMU's name of it or of a sibling.</param>
public class E1000Model(string device) : NicModel
{
    /// <summary>82540EM itself.</summary>
    public E1000Model()
        : this("e1000")
    {
    }

    /// <summary>What all devices of the driver can.</summary>
    protected const PortOffloads CommonOffloads = PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum
        | PortOffloads.RxL4Checksum | PortOffloads.RxScatter | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum
        | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment;

    /// <inheritdoc/>
    public override string Device => device;

    /// <inheritdoc/>
    public override bool WaitsForBuffers => false;

    /// <inheritdoc/>
    public override PortOffloads NotModelled => PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum;

    /// <inheritdoc/>
    public override PortCapabilities Capabilities { get; } = new() { Offloads = CommonOffloads, MaxMtu = 16106 };

    internal override INicDriver Driver { get; } = new E1000Driver();
}

/// <summary>82574L: two queues, RSS, MSI-X.</summary>
public sealed class E1000eModel() : E1000Model("e1000e")
{
    /// <inheritdoc/>
    public override bool WaitsForBuffers => true;

    /// <inheritdoc/>
    public override PortOffloads NotModelled => PortOffloads.None;

    /// <inheritdoc/>
    public override PortCapabilities Capabilities { get; } = new()
    {
        MaxRxQueues = 2,
        MaxTxQueues = 2,
        Offloads = CommonOffloads | PortOffloads.RxRssHash,
        RssHash = RssHash.Ip | RssHash.Tcp,
        HasRxInterrupts = true,
        MaxMtu = 9212,
    };
}
