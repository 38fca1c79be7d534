using Dataplane.DeviceModels.Tests.Suites;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Igb;

namespace Dataplane.DeviceModels.Tests.Igb;

/// <summary>QEMU's igb, an 82576.</summary>
public sealed class IgbModel : NicModel
{
    public override QemuRelease Release => QemuRelease.WithIgb;

    public override string Device => "igb";

    /// <summary>As the 82576 with DROP_EN; QEMU's does so in any case.</summary>
    public override bool WaitsForBuffers => false;

    public override PortCapabilities Capabilities { get; } = new()
    {
        MaxRxQueues = 16,
        MaxTxQueues = 16,
        Offloads = PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum
            | PortOffloads.RxRssHash | PortOffloads.RxScatter
            | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment,
        RssHash = RssHash.Ip | RssHash.Tcp | RssHash.Udp,
        HasRxInterrupts = true,
        MaxMtu = 9706,
    };

    internal override INicDriver Driver { get; } = new IgbDriver();
}

public sealed class IgbTests : NicTests<IgbModel>;

public sealed class IgbLinkInterruptTests : NicLinkInterruptTests<IgbModel>;

public sealed class IgbPromiscuousTests : NicPromiscuousTests<IgbModel>;

public sealed class IgbJumboTests : NicJumboTests<IgbModel>;

public sealed class IgbTxChainTests : NicTxChainTests<IgbModel>;

public sealed class IgbVlanTests : NicVlanTests<IgbModel>;

public sealed class IgbRxChecksumTests : NicRxChecksumTests<IgbModel>;

public sealed class IgbTxChecksumTests : NicTxChecksumTests<IgbModel>;

public sealed class IgbMultiQueueTests : NicMultiQueueTests<IgbModel>;

public sealed class IgbRxInterruptTests : NicRxInterruptTests<IgbModel>;
