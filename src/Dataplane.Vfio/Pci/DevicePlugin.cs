using System.Collections;
using Dataplane.Eal;

namespace Dataplane.Vfio.Pci;

/// <summary>
/// What the SR-IOV network device plugin of Kubernetes gives to a container: a variable per resource, named
/// <c>PCIDEVICE_</c> and the resource's name, with the addresses of its devices.
/// </summary>
internal static class DevicePlugin
{
    private const string Prefix = "PCIDEVICE_";

    /// <summary>The variables of this process.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);

    /// <summary>
    /// The PCI devices that are given, each once: in the order of a variable's list, the variables by their names, since an
    /// environment has no order.
    /// </summary>
    public static IReadOnlyList<OfferedDevice> Read(IReadOnlyDictionary<string, string> environment)
    {
        IEnumerable<OfferedDevice> devices =
            from variable in environment.OrderBy(variable => variable.Key, StringComparer.Ordinal)
            where variable.Key.StartsWith(Prefix, StringComparison.Ordinal)
            // PCIDEVICE_<RESOURCE>_INFO has JSON about the same devices; other devices (auxiliary ones) have other names.
            from word in variable.Value.Split(',', StringSplitOptions.TrimEntries)
            let address = PciAddress.TryNormalize(word, out string normal) ? normal : null
            where address is not null
            select new OfferedDevice(variable.Key, address);
        return [.. devices.DistinctBy(device => device.Address)];
    }
}

/// <summary>A device that the plugin gave.</summary>
/// <param name="Variable">The variable that names it.</param>
/// <param name="Address">In the form of sysfs.</param>
internal sealed record OfferedDevice(string Variable, string Address);
