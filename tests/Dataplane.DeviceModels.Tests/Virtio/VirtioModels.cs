using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Virtio;

namespace Dataplane.DeviceModels.Tests.Virtio;

/// <summary>virtio-net of QEMU with split rings and everything that is offered by default: mergeable, indirect, event index.</summary>
public class VirtioModel : NicModel
{
    /// <summary>What every model has; a test may have others.</summary>
    public string Options { get; init; } = "disable-legacy=on,iommu_platform=on";

    /// <summary>Of <c>-a</c>.</summary>
    public string? Devargs { get; init; }

    /// <summary>The other side, if it is not a cable to us.</summary>
    public IReadOnlyList<string>? Peer { get; init; }

    /// <summary>Who looks on; null for nobody.</summary>
    internal RegisterWatch? Watch { get; init; }

    public sealed override string Device => $"virtio-net-pci,{Options}{Properties}";

    public sealed override string? Arguments => Devargs;

    public sealed override IReadOnlyList<string>? Backend => Peer;

    public override PortCapabilities Capabilities { get; } = new()
    {
        Offloads = PortOffloads.RxScatter | PortOffloads.RxVlanStrip | PortOffloads.TxVlanInsert | PortOffloads.TxMultiSegment,
        HasRxInterrupts = true,
        MaxMtu = 9698,
    };

    internal override INicDriver Driver => Watch is null ? new VirtioDriver() : new WatchedDriver(new VirtioDriver(), Watch);

    protected virtual string Properties => "";

    /// <summary>Every buffer has room for a header, but only in the first there is one.</summary>
    public override int BuffersFor(int length, int room) => 1 + (Math.Max(length - room, 0) + room + 11) / (room + 12);
}

/// <summary>With packed rings.</summary>
public sealed class VirtioPackedModel : VirtioModel
{
    protected override string Properties => ",packed=on";
}

/// <summary>Split rings with nothing that makes them fast: a buffer per frame, chains of descriptors, flags.</summary>
public class VirtioPlainModel : VirtioModel
{
    public override PortCapabilities Capabilities { get; } = new()
    {
        Offloads = PortOffloads.RxVlanStrip | PortOffloads.TxVlanInsert | PortOffloads.TxMultiSegment,
        HasRxInterrupts = true,
        MaxMtu = 2030,
    };

    protected override string Properties => ",mrg_rxbuf=off,indirect_desc=off,event_idx=off";
}

/// <summary>The same with packed rings.</summary>
public sealed class VirtioPackedPlainModel : VirtioPlainModel
{
    protected override string Properties => base.Properties + ",packed=on";
}
