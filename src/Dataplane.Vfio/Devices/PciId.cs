using System.Globalization;

namespace Dataplane.Vfio.Devices;

/// <summary>What a PCI function is: vendor and device.</summary>
internal readonly record struct PciId(ushort Vendor, ushort Device)
{
    /// <summary>As lspci prints it: <c>8086:10fb</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Vendor:x4}:{Device:x4}");
}

/// <summary>A device that a driver knows.</summary>
/// <param name="Id">Its ids.</param>
/// <param name="Model">What it is called: <c>82599ES 10-Gigabit SFI/SFP+</c>.</param>
internal sealed record SupportedDevice(PciId Id, string Model);
