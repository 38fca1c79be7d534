namespace Dataplane.Vfio.Pci;

/// <summary>Kernel drivers that drive nothing themselves and give a device to a program.</summary>
internal static class PassThroughDrivers
{
    /// <summary>The one that ports need.</summary>
    public const string VfioPci = "vfio-pci";

    /// <summary>Those that dpdk-devbind.py knows.</summary>
    public static IReadOnlyList<string> OfDpdk { get; } = ["igb_uio", VfioPci, "uio_pci_generic"];

    /// <summary>Whether a driver is VFIO's: <c>vfio-pci</c>, or one of its variants for a family of devices (<c>virtio_vfio_pci</c>).</summary>
    public static bool IsVfio(string driver) => driver.Replace('_', '-').EndsWith(VfioPci, StringComparison.Ordinal);

    /// <summary>Whether a driver knows no devices by itself, so that it must be named in their driver_override.</summary>
    public static bool NeedsOverride(string driver) => IsVfio(driver) || OfDpdk.Contains(driver) || driver == "pci-stub";
}
