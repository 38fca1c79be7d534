namespace Dataplane.Vfio.Devices;

/// <summary>The drivers of this package.</summary>
internal static class NicDrivers
{
    /// <summary>Every driver; no device is known to two.</summary>
    public static IReadOnlyList<INicDriver> All { get; } =
    [
        new Nics.E1000.E1000Driver(),
        new Nics.Ixgbe.IxgbeDriver(),
        new Nics.Ixgbe.IxgbeVfDriver(),
        new Nics.Virtio.VirtioDriver(),
        new Nics.Igb.IgbDriver(),
        new Nics.Igb.IgbVfDriver(),
    ];

    /// <summary>The driver of a device; null if none knows it.</summary>
    public static INicDriver? Find(PciId id) => Find(All, id);

    /// <summary>As <see cref="Find(PciId)"/>, among some drivers.</summary>
    public static INicDriver? Find(IReadOnlyList<INicDriver> drivers, PciId id) =>
        drivers.FirstOrDefault(driver => driver.Devices.Any(device => device.Id == id));
}
