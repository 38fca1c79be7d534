using System.Globalization;
using Dataplane.Linux;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Pci;

/// <summary>The PCI functions of the machine. Read anew at every question: devices come, go and change their drivers.</summary>
internal sealed class PciInventory(HostFiles files)
{
    private const string Devices = "/sys/bus/pci/devices";

    /// <summary>All network controllers, by address.</summary>
    public IReadOnlyList<PciDevice> NetworkControllers() =>
        [.. Addresses().Select(Read).OfType<PciDevice>().Where(device => device.IsNetworkController)];

    /// <summary>One function, of any class; null if there is none with this address.</summary>
    /// <param name="address">In the form of sysfs.</param>
    public PciDevice? Read(string address)
    {
        string directory = DirectoryOf(address);
        if (ReadHex($"{directory}/vendor") is not { } vendor || ReadHex($"{directory}/device") is not { } device)
            return null;
        string[] parents = InterfaceParents(directory);
        string[] interfaces = [.. parents.SelectMany(files.ListNames).Order(StringComparer.Ordinal)];
        return new PciDevice
        {
            Address = address,
            Id = new PciId((ushort)vendor, (ushort)device),
            SubsystemId = new PciId(
                (ushort)(ReadHex($"{directory}/subsystem_vendor") ?? 0), (ushort)(ReadHex($"{directory}/subsystem_device") ?? 0)),
            Class = ReadHex($"{directory}/class") ?? 0,
            Driver = files.ReadLinkName($"{directory}/driver"),
            // "(null)" is what the kernel prints where none is set.
            DriverOverride = files.ReadText($"{directory}/driver_override") is { Length: > 0 } name and not "(null)" ? name : null,
            NumaNode = int.TryParse(
                files.ReadText($"{directory}/numa_node"), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int node)
                    ? node
                    : -1,
            IommuGroup = int.TryParse(
                files.ReadLinkName($"{directory}/iommu_group"), NumberStyles.None, CultureInfo.InvariantCulture, out int group)
                    ? group
                    : null,
            GroupNeighbours = [.. InOrder(files.ListNames($"{directory}/iommu_group/devices")).Where(other => other != address)],
            PhysicalFunction = files.ReadLinkName($"{directory}/physfn"),
            VirtualFunctions = VirtualFunctions(directory),
            Interfaces = interfaces,
            HasHiddenInterfaces = interfaces.Length == 0 && Array.Exists(parents, files.Exists),
            ModuleAlias = files.ReadText($"{directory}/modalias"),
        };
    }

    /// <summary>
    /// Other functions of the device's IOMMU group that the kernel drives, so that VFIO gives nobody the group. Drivers that
    /// do no DMA of their own are allowed (driver_managed_dma in the kernel's struct pci_driver).
    /// </summary>
    public IReadOnlyList<PciDevice> InTheWayOf(PciDevice device) =>
    [
        .. device.GroupNeighbours.Select(Read).OfType<PciDevice>()
            .Where(other => !other.IsBoundToVfio && other.Driver is not (null or "pci-stub" or "pcieport")),
    ];

    /// <summary>Where sysfs has a function.</summary>
    public static string DirectoryOf(string address) => $"{Devices}/{address}";

    private IEnumerable<string> Addresses() => InOrder(files.ListNames(Devices));

    /// <summary>Domains have four digits or, behind a VMD, more.</summary>
    private static IEnumerable<string> InOrder(IEnumerable<string> addresses) =>
        addresses.OrderBy(address => address.Length).ThenBy(address => address, StringComparer.Ordinal);

    private string[] VirtualFunctions(string directory)
    {
        const string Prefix = "virtfn";
        return
        [
            .. files.ListNames(directory)
                .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
                .OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal)
                .Select(name => files.ReadLinkName($"{directory}/{name}")).OfType<string>(),
        ];
    }

    /// <summary>
    /// Where interfaces are: below the function, or, with virtio, below the device that its driver made of it. Such a directory is
    /// there while there are interfaces, and seems empty where they are in other network namespaces.
    /// </summary>
    private string[] InterfaceParents(string directory) =>
    [
        .. files.ListNames(directory)
            .Where(name => name.StartsWith("virtio", StringComparison.Ordinal))
            .Select(name => $"{directory}/{name}/net")
            .Prepend($"{directory}/net"),
    ];

    private int? ReadHex(string path) =>
        files.ReadText(path) is { } text && text.StartsWith("0x", StringComparison.Ordinal)
        && int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int value)
            ? value
            : null;
}
