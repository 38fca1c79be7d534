using System.Globalization;
using Dataplane.Vfio.Pci;

namespace Dataplane.Cli.Devbind;

/// <summary>The devices for programs: an array.</summary>
internal static class StatusJson
{
    public static void Write(IReadOnlyList<DeviceStatus> devices, TextWriter output) =>
        Json.Write([.. devices.Select(Of)], Json.Context.NetworkDeviceArray, output);

    private static NetworkDevice Of(DeviceStatus status) => new(
        status.Device.Address,
        Hex(status.Device.Id.Vendor),
        Hex(status.Device.Id.Device),
        Hex(status.Device.SubsystemId.Vendor),
        Hex(status.Device.SubsystemId.Device),
        status.Model,
        status.Device.Driver,
        status.Device.DriverOverride,
        status.OtherDrivers,
        status.PollModeDriver,
        status.Device.NumaNode,
        status.Device.IommuGroup,
        status.Device.GroupNeighbours,
        status.Device.PhysicalFunction,
        status.Device.VirtualFunctions,
        status.Interfaces);

    private static string Hex(ushort id) => id.ToString("x4", CultureInfo.InvariantCulture);
}

/// <summary>One device; ids as four hexadecimal digits, null for what it has not.</summary>
internal sealed record NetworkDevice(
    string Address,
    string VendorId,
    string DeviceId,
    string SubsystemVendorId,
    string SubsystemDeviceId,
    string Model,
    string? Driver,
    string? DriverOverride,
    IReadOnlyList<string> OtherDrivers,
    string? PollModeDriver,
    int NumaNode,
    int? IommuGroup,
    IReadOnlyList<string> IommuGroupNeighbours,
    string? PhysicalFunction,
    IReadOnlyList<string> VirtualFunctions,
    IReadOnlyList<InterfaceUse> Interfaces);
