using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Pci;

/// <summary>A PCI function as sysfs showed it when it was asked (Documentation/ABI/testing/sysfs-bus-pci of Linux).</summary>
internal sealed record PciDevice
{
    private const int NetworkController = 0x02; // base class 02h, PCI Code and ID Assignment Specification, section 1.3

    /// <summary>As sysfs writes it: <c>0000:01:00.0</c>.</summary>
    public required string Address { get; init; }

    /// <summary>What it is.</summary>
    public required PciId Id { get; init; }

    /// <summary>Whose board it is on.</summary>
    public PciId SubsystemId { get; init; }

    /// <summary>Base class, sub-class and programming interface, a byte each: <c>0x020000</c> is Ethernet.</summary>
    public required int Class { get; init; }

    /// <summary>The kernel driver that has it; null for none.</summary>
    public string? Driver { get; init; }

    /// <summary>The only kernel driver that may have it; null for whichever knows it.</summary>
    public string? DriverOverride { get; init; }

    /// <summary>NUMA node that it is attached to; -1 for none.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>Number of its IOMMU group; null without an IOMMU.</summary>
    public int? IommuGroup { get; init; }

    /// <summary>Addresses of the other functions of its IOMMU group.</summary>
    public IReadOnlyList<string> GroupNeighbours { get; init; } = [];

    /// <summary>Address of the physical function that this is a virtual function of; null if it is none.</summary>
    public string? PhysicalFunction { get; init; }

    /// <summary>Addresses of its virtual functions, by their number.</summary>
    public IReadOnlyList<string> VirtualFunctions { get; init; } = [];

    /// <summary>Names of its network interfaces in our network namespace.</summary>
    public IReadOnlyList<string> Interfaces { get; init; } = [];

    /// <summary>Whether it has interfaces that sysfs, as we see it, does not name: they are in another network namespace.</summary>
    public bool HasHiddenInterfaces { get; init; }

    /// <summary>What modules that can drive it are found by (modules.alias); null if the kernel does not say.</summary>
    public string? ModuleAlias { get; init; }

    /// <summary>Whether it is what ports are made of.</summary>
    public bool IsNetworkController => Class >> 16 == NetworkController;

    /// <summary>Whether VFIO has it.</summary>
    public bool IsBoundToVfio => Driver is not null && PassThroughDrivers.IsVfio(Driver);

    /// <summary>As a list of devices in a sentence shows it: <c>0000:01:00.0 (8086:10fb, driver ixgbe)</c>.</summary>
    public string Describe() => $"{Address} ({Id}, {(Driver is null ? "no driver" : $"driver {Driver}")})";
}
