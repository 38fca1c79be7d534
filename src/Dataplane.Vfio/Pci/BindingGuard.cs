using Dataplane.Eal;
using Dataplane.Linux;

namespace Dataplane.Vfio.Pci;

/// <summary>Looks for what speaks against taking a device from its driver, or giving it to another, before anything is changed.</summary>
/// <param name="files">Where /proc and /sys are.</param>
/// <param name="force">Whether the user accepts what can be accepted.</param>
internal sealed class BindingGuard(HostFiles files, bool force)
{
    private const string NoIommuSwitch = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

    private readonly RoutedInterfaces _routes = new(files);

    /// <summary>Whether a driver can be bound to at all.</summary>
    /// <exception cref="DataplaneException">It is not loaded.</exception>
    public void CheckDriver(string driver)
    {
        const string Drivers = "/sys/bus/pci/drivers";
        if (files.Exists($"{Drivers}/{driver}"))
            return;
        string[] loaded = files.ListNames(Drivers);
        string? meant = loaded.Length == 0 ? null : NearestName.Find(driver, loaded);
        string suggestion = meant is not null && NearestName.Distance(driver, meant) <= 2 ? $", or did you mean {meant}?" : "";
        throw new DataplaneException($"The kernel driver {driver} is not loaded", $"run 'modprobe {driver}'{suggestion}");
    }

    /// <summary>Whether a device can be given to a driver.</summary>
    /// <exception cref="DataplaneException">There is no IOMMU, or the device must not leave its driver.</exception>
    public void CheckBind(PciDevice device, string driver)
    {
        if (device.Driver == driver)
            return;
        CheckWritable(device);
        if (PassThroughDrivers.IsVfio(driver) && device.IommuGroup is null && files.ReadText(NoIommuSwitch) is not "Y")
        {
            throw new DataplaneException(
                $"{device.Address} is in no IOMMU group, so {driver} does not take it",
                "switch the IOMMU on, in the firmware and with intel_iommu=on on the kernel's command line (AMD's and Arm's need no option), "
                + (files.Exists(NoIommuSwitch)
                    ? $"or do without its protection: 'echo 1 > {NoIommuSwitch}'"
                    : "since this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)"));
        }

        CheckRelease(device);
    }

    /// <summary>Whether a device can be taken from its driver.</summary>
    /// <exception cref="DataplaneException">Somebody needs it.</exception>
    public void CheckUnbind(PciDevice device)
    {
        CheckWritable(device);
        CheckRelease(device);
    }

    /// <summary>Whether a device can be given back to the kernel's own driver.</summary>
    /// <exception cref="DataplaneException">Somebody needs it.</exception>
    public void CheckRestore(PciDevice device)
    {
        CheckWritable(device);
        if (device.Driver is not null && PassThroughDrivers.NeedsOverride(device.Driver))
            CheckRelease(device);
    }

    /// <summary>What keeps a device that is bound to VFIO from being used; null for nothing.</summary>
    public string? NoticeAfterBind(PciDevice device)
    {
        if (!device.IsBoundToVfio)
            return null;
        IReadOnlyList<PciDevice> others = new PciInventory(files).InTheWayOf(device);
        return others.Count == 0
            ? null
            : $"{device.Address} shares the IOMMU group {device.IommuGroup} with {string.Join(", ", others.Select(other => other.Describe()))}; "
            + $"it can be used when those are bound to {device.Driver} or unbound as well";
    }

    private void CheckWritable(PciDevice device)
    {
        int error = files.CheckWritable($"{PciInventory.DirectoryOf(device.Address)}/driver_override");
        if (error == 0)
            return;
        throw new DataplaneException(
            $"May not change the driver of {device.Address}: {Errno.Describe(error)}",
            error == Errno.EROFS
                ? "/sys is mounted read-only, as in most containers: run it on the host, or in a privileged container"
                : "run it as root");
    }

    private void CheckRelease(PciDevice device)
    {
        if (force || device.Driver is null)
            return;
        const string Force = "give --force if you mean it";
        if (!device.IsNetworkController)
            throw new DataplaneException($"{device.Address} is no network controller (class 0x{device.Class:x6})", Force);

        if (device.HasHiddenInterfaces)
        {
            throw new DataplaneException(
                $"{device.Address} has an interface in another network namespace, where it may be in use",
                $"run it in that namespace (a pod needs hostNetwork: true to see the host's), or {Force}");
        }

        foreach (InterfaceUse use in device.Interfaces.Select(name => _routes[name]).Where(use => use.IsActive))
        {
            if (use.HasDefaultRoute)
                throw new DataplaneException($"{device.Address} carries the default route of this machine (interface {use.Name})", Force);
            throw new DataplaneException(
                $"{device.Address} is in use: its interface {use.Name} is up and "
                + (use.HasRoutes ? "has routes" : $"{string.Join(", ", use.Uppers)} is built on it"),
                $"run 'ip link set {use.Name} down', or {Force}");
        }

        if (device.VirtualFunctions.Count > 0)
        {
            throw new DataplaneException(
                $"{device.Address} has {device.VirtualFunctions.Count} virtual functions, which go away with its driver {device.Driver}",
                $"run 'echo 0 > {PciInventory.DirectoryOf(device.Address)}/sriov_numvfs', or {Force}");
        }

        if (device.IsBoundToVfio && VfioHolder.Find(files, device) is { Count: > 0 } holders)
        {
            throw new DataplaneException(
                $"{device.Address} is in use by {string.Join(", ", holders)}",
                "end it first; with --force it is asked to let the device go, and waited for");
        }
    }
}
