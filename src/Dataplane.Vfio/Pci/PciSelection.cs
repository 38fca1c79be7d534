using Dataplane.Eal;
using Dataplane.Ports;

namespace Dataplane.Vfio.Pci;

/// <summary>
/// Which network controllers are looked at, in the order in which they become ports: those of <c>-a</c>; without any, those
/// that the SR-IOV device plugin gave to the pod; without those, all by address. <c>-b</c> and <c>--no-auto-probing</c> take away.
/// </summary>
internal static class PciSelection
{
    /// <summary>Chooses.</summary>
    /// <param name="options">What the user says.</param>
    /// <param name="inventory">What is there.</param>
    /// <param name="environment">Variables of the process; see <see cref="DevicePlugin.ProcessEnvironment"/>.</param>
    /// <exception cref="DataplaneException">A device that was named is not there, or is no network controller.</exception>
    public static IReadOnlyList<SelectedDevice> Choose(
        EalOptions options, PciInventory inventory, IReadOnlyDictionary<string, string> environment)
    {
        if (options.NoPci)
            return [];
        if (options.AllowedDevices.Count > 0)
            return Named(options.AllowedDevices, inventory);
        if (!options.AutoProbing)
            return [];

        // The parser has normalized what a user writes; programs may write options as they like.
        HashSet<string> blocked = [.. options.BlockedDevices.Select(Normalize)];
        IReadOnlyList<OfferedDevice> offered = DevicePlugin.Read(environment);
        IEnumerable<SelectedDevice> devices = offered.Count > 0
            ? offered.Select(device => Find(inventory, device.Address, $"the environment variable {device.Variable}"))
                .Where(device => device.IsNetworkController)
                .Select(device => Without(device, DeviceChoice.Offered))
            : inventory.NetworkControllers().Select(device => Without(device, DeviceChoice.Found));
        return [.. devices.Where(device => !blocked.Contains(device.Device.Address))];
    }

    private static List<SelectedDevice> Named(IReadOnlyList<string> allowed, PciInventory inventory)
    {
        var devices = new List<SelectedDevice>();
        foreach (string text in allowed)
        {
            Devargs arguments = Devargs.Parse(text);
            string option = $"-a {text}";
            PciDevice device = Find(inventory, Normalize(arguments.Name), option);
            if (!device.IsNetworkController)
            {
                throw new DataplaneException(
                    $"{device.Address}, which {option} names, is no network controller (class 0x{device.Class:x6})",
                    WhatThereIs(inventory));
            }

            if (devices.Exists(other => other.Device.Address == device.Address))
                throw new CommandLineException($"The device {device.Address} is given more than once with -a", "give it once, with all of its keys");
            devices.Add(new SelectedDevice(device, arguments, DeviceChoice.Named));
        }

        return devices;
    }

    private static PciDevice Find(PciInventory inventory, string address, string source) => inventory.Read(address)
        ?? throw new DataplaneException($"There is no PCI device {address}, which {source} names", WhatThereIs(inventory));

    private static string WhatThereIs(PciInventory inventory)
    {
        IReadOnlyList<PciDevice> devices = inventory.NetworkControllers();
        return devices.Count == 0
            ? "there are no network controllers in /sys/bus/pci/devices; a pod gets them from the SR-IOV device plugin"
            : $"the network controllers are {string.Join(", ", devices.Select(device => device.Describe()))}";
    }

    private static SelectedDevice Without(PciDevice device, DeviceChoice choice) =>
        new(device, Devargs.Parse(device.Address), choice);

    private static string Normalize(string address) => PciAddress.TryNormalize(address, out string normal) ? normal : address;
}
