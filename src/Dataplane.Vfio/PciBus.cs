using Dataplane.Eal;
using Dataplane.Linux;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Pci;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio;

/// <summary>PCI network controllers that are bound to VFIO and that a driver knows.</summary>
/// <param name="files">Where /dev, /proc and /sys are.</param>
/// <param name="environment">Variables of the process.</param>
/// <param name="drivers">The drivers.</param>
internal sealed class PciBus(
    HostFiles files, Func<IReadOnlyDictionary<string, string>> environment, IReadOnlyList<INicDriver> drivers) : IBus
{
    /// <summary>The machine's, with all drivers.</summary>
    public PciBus()
        : this(new HostFiles(), DevicePlugin.ProcessEnvironment, NicDrivers.All)
    {
    }

    /// <inheritdoc/>
    public string Name => "pci";

    /// <inheritdoc/>
    public IBusSession Scan(EalOptions options, ILoggerFactory loggers)
    {
        ILogger logger = loggers.CreateLogger("EAL");
        var session = new PciBusSession(files, options, logger);
        try
        {
            foreach (SelectedDevice selected in PciSelection.Choose(options, new PciInventory(files), environment()))
            {
                if (FindDriver(selected, logger) is { } driver)
                    session.Take(selected, driver);
            }

            session.CheckMemory(options.Memory);
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    /// <summary>The driver of a device that is to become a port; null if the device is none of ours and nobody insists.</summary>
    private INicDriver? FindDriver(SelectedDevice selected, ILogger logger)
    {
        PciDevice device = selected.Device;
        bool isNamed = selected.Choice == DeviceChoice.Named;
        if (!device.IsBoundToVfio)
            return isNamed ? throw NotBound(device) : null;
        INicDriver? driver = NicDrivers.Find(drivers, device.Id);
        if (driver is not null)
            DriverRegistry.CheckKeys(driver.Name, driver.Keys, selected.Arguments, "-a ");
        else if (isNamed)
            throw new DataplaneException($"No driver knows {device.Address} ({device.Id})", $"the drivers are for {Supported()}");
        else
            logger.LogInformation("{Device} is not used: no driver knows it", device.Describe());
        return driver;
    }

    private static DataplaneException NotBound(PciDevice device)
    {
        string state = device.Driver switch
        {
            null => "has no driver",
            "uio_pci_generic" or "igb_uio" => $"is bound to {device.Driver}, and devices are used through VFIO only",
            _ => $"belongs to the kernel's driver {device.Driver}",
        };
        return new DataplaneException(
            $"{device.Address} {state}", $"give it to VFIO on the host with 'dataplane devbind --bind vfio-pci {device.Address}'");
    }

    private string Supported() => string.Join("; ", drivers.Select(
        driver => $"{driver.Name}: {string.Join(' ', driver.Devices.Select(device => device.Id))}"));
}
