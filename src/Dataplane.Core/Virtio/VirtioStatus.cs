namespace Dataplane.Virtio;

/// <summary>Device status (virtio 1.2, section 2.1).</summary>
[Flags]
internal enum VirtioStatus : byte
{
    /// <summary>The device is reset.</summary>
    Reset = 0,

    /// <summary>A driver has seen the device.</summary>
    Acknowledge = 1,

    /// <summary>A driver knows how to drive it.</summary>
    Driver = 2,

    /// <summary>The driver is ready.</summary>
    DriverOk = 4,

    /// <summary>The features are agreed upon.</summary>
    FeaturesOk = 8,

    /// <summary>The device is in a state from which only a reset leads.</summary>
    DeviceNeedsReset = 0x40,

    /// <summary>The driver has given up.</summary>
    Failed = 0x80,
}
