using Dataplane.Virtio;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>
/// The common configuration of a virtio device on PCI (struct virtio_pci_common_cfg, virtio 1.2, section 4.1.4.3), as
/// offsets in bytes, with the width in bits.
/// </summary>
internal static class VirtioPciRegisters
{
    /// <summary>32: which half of the features <see cref="DeviceFeature"/> shows.</summary>
    public const int DeviceFeatureSelect = 0x00;

    /// <summary>32: features of the device.</summary>
    public const int DeviceFeature = 0x04;

    /// <summary>32: which half of the features <see cref="DriverFeature"/> sets.</summary>
    public const int DriverFeatureSelect = 0x08;

    /// <summary>32: features that the driver accepts.</summary>
    public const int DriverFeature = 0x0C;

    /// <summary>16: MSI-X vector of configuration changes.</summary>
    public const int ConfigMsixVector = 0x10;

    /// <summary>16: queues that the device has.</summary>
    public const int NumQueues = 0x12;

    /// <summary>8: <see cref="VirtioStatus"/>.</summary>
    public const int DeviceStatus = 0x14;

    /// <summary>8: changes with the device's configuration.</summary>
    public const int ConfigGeneration = 0x15;

    /// <summary>16: the queue that the following are of.</summary>
    public const int QueueSelect = 0x16;

    /// <summary>16: descriptors of the queue; the most there may be until it is written.</summary>
    public const int QueueSize = 0x18;

    /// <summary>16: MSI-X vector of the queue.</summary>
    public const int QueueMsixVector = 0x1A;

    /// <summary>16: 1 lets the device use the queue.</summary>
    public const int QueueEnable = 0x1C;

    /// <summary>16: where the queue's doorbell is, in units of the multiplier.</summary>
    public const int QueueNotifyOff = 0x1E;

    /// <summary>64, written as two of 32: descriptor area.</summary>
    public const int QueueDesc = 0x20;

    /// <summary>64, written as two of 32: driver area.</summary>
    public const int QueueDriver = 0x28;

    /// <summary>64, written as two of 32: device area.</summary>
    public const int QueueDevice = 0x30;

    /// <summary>Bytes of what is used here; newer devices have more.</summary>
    public const int Length = 0x38;

    /// <summary>VIRTIO_MSI_NO_VECTOR: no interrupt; also what is read back when the device could not take a vector.</summary>
    public const ushort NoVector = 0xFFFF;
}
