using Dataplane.Linux;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Pci;

namespace Dataplane.Cli.Devbind;

/// <summary>What <c>--status</c> says of a device.</summary>
/// <param name="Device">The device.</param>
/// <param name="Model">What it is called.</param>
/// <param name="Interfaces">Its network interfaces.</param>
/// <param name="OtherDrivers">Drivers that could have it: modules that know it, and those for programs that are loaded.</param>
/// <param name="PollModeDriver">Our driver of it; null if we have none.</param>
internal sealed record DeviceStatus(
    PciDevice Device, string Model, IReadOnlyList<InterfaceUse> Interfaces, IReadOnlyList<string> OtherDrivers, string? PollModeDriver)
{
    /// <summary>Asks for everything that the devices themselves do not say.</summary>
    public static IReadOnlyList<DeviceStatus> Gather(HostFiles files, IReadOnlyList<PciDevice> devices)
    {
        var routes = new RoutedInterfaces(files);
        var names = new PciNames(files);
        var modules = new KernelModules(files);
        string[] loaded = [.. PassThroughDrivers.OfDpdk.Where(driver => files.Exists($"/sys/bus/pci/drivers/{driver}"))];
        return
        [
            .. from device in devices
               let driver = NicDrivers.Find(device.Id)
               select new DeviceStatus(
                   device,
                   names.Find(device.Id) ?? driver?.Devices.First(known => known.Id == device.Id).Model ?? "Device",
                   [.. device.Interfaces.Select(name => routes[name])],
                   [.. modules.For(device).Union(loaded).Where(other => !IsSame(other, device.Driver))],
                   driver?.Name),
        ];
    }

    /// <summary>A module's file may have _ where the driver's name has -.</summary>
    private static bool IsSame(string module, string? driver) => driver is not null && module.Replace('_', '-') == driver.Replace('_', '-');
}
