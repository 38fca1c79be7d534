using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>Our models of what QEMU does not have, for the suites.</summary>
public abstract class IxgbeNicModel : NicModel
{
    private protected const PortOffloads AllOffloads = PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum
        | PortOffloads.RxRssHash | PortOffloads.RxScatter | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum
        | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment;

    private protected const RssHash AllHashes = RssHash.Ip | RssHash.Tcp | RssHash.Udp;

    private protected abstract ushort DeviceId { get; }

    private protected PciId Id => new(0x8086, DeviceId);

    private protected IxgbeVariant Variant => Quick(IxgbeVariant.Physical.Concat(IxgbeVariant.Virtual)).Single(variant => variant.Id == Id);

    /// <summary>A model needs no time to wake up.</summary>
    private protected static IReadOnlyList<IxgbeVariant> Quick(IEnumerable<IxgbeVariant> variants) =>
        [.. variants.Select(variant => variant with { ResetTime = TimeSpan.Zero })];
}

/// <summary>A physical function.</summary>
public abstract class IxgbePhysicalModel : IxgbeNicModel
{
    private const int Vectors = 64;

    internal override INicDriver Driver { get; } = new IxgbeDriver(Quick(IxgbeVariant.Physical));

    public override PortCapabilities Capabilities => new()
    {
        MaxRxQueues = MaxRxQueues,
        MaxTxQueues = 64,
        Offloads = AllOffloads,
        RssHash = AllHashes,
        HasRxInterrupts = true,
        MaxMtu = 15854,
    };

    private protected virtual int MaxRxQueues => 16;

    internal override INicMachine CreateMachine(DataplaneMemory memory)
    {
        var model = new IxgbeModel(memory, Variant, MacAddress);
        return new ModelMachine(model, Id, Vectors, model.SetLink);
    }
}

/// <summary>82599 with an SFP+ cage.</summary>
public sealed class I82599Model : IxgbePhysicalModel
{
    public override string Device => "82599";

    private protected override ushort DeviceId => 0x10FB;
}

/// <summary>X540, 10GBASE-T.</summary>
public sealed class X540Model : IxgbePhysicalModel
{
    public override string Device => "X540";

    private protected override ushort DeviceId => 0x1528;
}

/// <summary>X550, 10GBASE-T.</summary>
public sealed class X550Model : IxgbePhysicalModel
{
    public override string Device => "X550";

    private protected override ushort DeviceId => 0x1563;

    private protected override int MaxRxQueues => 64;
}

/// <summary>A virtual function.</summary>
public abstract class IxgbeVirtualModel : IxgbeNicModel
{
    private const int Vectors = 3;

    internal override INicDriver Driver { get; } = new IxgbeVfDriver(Quick(IxgbeVariant.Virtual));

    public override bool WaitsForBuffers => false;

    internal override INicMachine CreateMachine(DataplaneMemory memory)
    {
        var model = new IxgbeVfModel(memory, Variant);
        Configure(model.Parent);
        return new ModelMachine(model, Id, Vectors, model.SetLink);
    }

    internal virtual void Configure(ParentModel parent)
    {
        parent.Assigned = MacAddress;
        parent.IsTrusted = true;
    }

    private protected static PortCapabilities CapabilitiesOf(int queues, RssHash hash) => new()
    {
        MaxRxQueues = queues,
        MaxTxQueues = queues,
        Offloads = AllOffloads,
        RssHash = hash,
        HasRxInterrupts = true,
        MaxMtu = 9710,
    };
}

/// <summary>A VF of 82599 with a queue, as old drivers of physical functions give it.</summary>
public sealed class I82599VfModel : IxgbeVirtualModel
{
    public override string Device => "82599 VF";

    public override bool HasPromiscuous => false;

    public override PortCapabilities Capabilities => CapabilitiesOf(queues: 1, RssHash.None);

    private protected override ushort DeviceId => 0x10ED;
}

/// <summary>A VF of X550, with a hash of its own.</summary>
public sealed class X550VfModel : IxgbeVirtualModel
{
    public override string Device => "X550 VF";

    public override PortCapabilities Capabilities => CapabilitiesOf(queues: 4, AllHashes);

    private protected override ushort DeviceId => 0x1565;

    internal override void Configure(ParentModel parent)
    {
        base.Configure(parent);
        parent.Queues = 4;
    }
}
