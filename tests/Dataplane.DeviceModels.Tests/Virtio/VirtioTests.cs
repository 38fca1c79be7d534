using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Testing;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Virtio;

namespace Dataplane.DeviceModels.Tests.Virtio;

/// <summary>virtio-net of QEMU.</summary>
public class VirtioModel : NicModel
{
    public override string Device => "virtio-net-pci,disable-legacy=on,iommu_platform=on" + Properties;

    public virtual string Properties => "";

    public override PortCapabilities Capabilities { get; } = new();

    internal override INicDriver Driver { get; } = new VirtioDriver();
}

public sealed class VirtioPackedModel : VirtioModel
{
    public override string Properties => ",packed=on";
}

public abstract class VirtioSmoke<TModel>
    where TModel : NicModel, new()
{
    [Fact]
    public void Frames_pass_both_ways()
    {
        using var bed = new NicTestBed(new TModel());
        bed.Start();
        bed.Port.Promiscuous = true;
        for (int i = 0; i < 600; i++)
        {
            byte[] frame = TestFrame.Create(60 + (i * 7 % 1400), i);
            bed.Wire.Send(frame);
            Assert.Equal(frame, bed.ReceiveFrame());
            bed.Send(frame);
            Assert.Equal(frame, bed.Wire.Receive());
        }

        bed.AssertClean();
    }
}

public sealed class VirtioSplitSmoke : VirtioSmoke<VirtioModel>;

public sealed class VirtioPackedSmoke : VirtioSmoke<VirtioPackedModel>;
