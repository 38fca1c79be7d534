using Dataplane.Linux;
using Dataplane.Vfio.Pci;

namespace Dataplane.Vfio.Vfio;

/// <summary>What VFIO refuses, each in a sentence with what mends it.</summary>
internal static class VfioRefusals
{
    /// <summary>What the kernel calls the group that it makes up for a device without an IOMMU (drivers/vfio/group.c).</summary>
    private const string NameWithoutIommu = "vfio-noiommu";

    private const string UnsafeMode = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";

    private const string MountInPod =
        "in a pod, mount it: volumes: [{name: vfio, hostPath: {path: /dev/vfio}}], volumeMounts: [{name: vfio, mountPath: /dev/vfio}]";

    private const string AllowInPod =
        "in a pod, take the device from the SR-IOV device plugin (resources: limits) or set securityContext: {privileged: true}";

    private const string RawIoInPod = "securityContext: {capabilities: {add: [SYS_RAWIO]}}";

    /// <summary>/dev/vfio/vfio cannot be opened.</summary>
    public static DataplaneException ContainerNotOpened(int error) => new(
        $"Cannot open {VfioContainer.Path}: {Errno.Describe(error)}",
        error is Errno.EACCES or Errno.EPERM
            ? $"run as root; {AllowInPod}"
            : $"load VFIO on the host with 'modprobe vfio-pci'; {MountInPod}");

    /// <summary>A device is bound to VFIO and in no group; the kernel allows that to nobody.</summary>
    public static DataplaneException NoGroup(PciDevice device) => new(
        $"{device.Address} has no IOMMU group",
        $"switch the IOMMU on (intel_iommu=on or amd_iommu=on on the kernel's command line), or do without: 'echo 1 > {UnsafeMode}', and bind the device again");

    /// <summary>The file of a group cannot be opened.</summary>
    public static DataplaneException GroupNotOpened(HostFiles files, int error, string path, PciDevice device)
    {
        string problem = $"Cannot open {path}, the VFIO group of {device.Address}: {Errno.Describe(error)}";
        return error switch
        {
            Errno.ENOENT => new DataplaneException(
                problem.Replace(path, $"/dev/vfio/{device.IommuGroup}", StringComparison.Ordinal),
                $"the kernel has made it on the host; {MountInPod}, or take the device from the SR-IOV device plugin (resources: limits)"),
            Errno.EBUSY => new DataplaneException(
                $"{problem}: {(VfioHolder.Find(files, device) is [var holder, ..] ? holder : "another process")} has it",
                "end that process, or use another device: one process at a time has all devices of a group"),
            Errno.EPERM when IsWithoutIommu(files, device) => new DataplaneException(
                $"{problem}: without an IOMMU it takes CAP_SYS_RAWIO", $"run as root; in a pod, {RawIoInPod}"),
            Errno.EACCES or Errno.EPERM => new DataplaneException(problem, $"run as root or 'chown USER {path}'; {AllowInPod}"),
            _ => new DataplaneException(problem),
        };
    }

    /// <summary>The kernel drives other devices of the group.</summary>
    public static DataplaneException NotViable(HostFiles files, PciDevice device)
    {
        IReadOnlyList<PciDevice> others = new PciInventory(files).InTheWayOf(device);
        string problem = $"The IOMMU group {device.IommuGroup} of {device.Address} cannot be used";
        return others.Count == 0
            ? new DataplaneException($"{problem}: another part of the kernel has it", "see what dmesg says of the group's devices")
            : new DataplaneException(
                $"{problem}: the kernel drives {string.Join(", ", others.Select(other => other.Describe()))} of the same group",
                $"give the whole group to VFIO: 'dataplane devbind --bind vfio-pci {string.Join(' ', others.Select(other => other.Address))}'");
    }

    /// <summary>A group cannot join the others.</summary>
    /// <param name="files">Where /sys is.</param>
    /// <param name="error">What the kernel said.</param>
    /// <param name="device">A device of the group.</param>
    /// <param name="containerHasNoIommu">Whether those of the container have no IOMMU; null if it is empty.</param>
    public static DataplaneException NotJoined(HostFiles files, int error, PciDevice device, bool? containerHasNoIommu)
    {
        bool isWithoutIommu = IsWithoutIommu(files, device);
        if (error == Errno.EPERM && containerHasNoIommu is { } hasNone && hasNone != isWithoutIommu)
        {
            return new DataplaneException(
                $"{device.Address} {(isWithoutIommu ? "has no IOMMU and the devices before it have one" : "has an IOMMU and the devices before it have none")}, which VFIO does not mix in a process",
                "leave one kind of them out: name the devices to use with -a");
        }

        if (error == Errno.EPERM && isWithoutIommu)
        {
            return new DataplaneException(
                $"{device.Address} has no IOMMU, and using it so takes CAP_SYS_RAWIO", $"run as root; in a pod, {RawIoInPod}");
        }

        // Kernels before 6.0 say EPERM where a neighbour has a driver, later ones EBUSY.
        return error is Errno.EPERM or Errno.EBUSY
            ? NotViable(files, device)
            : new DataplaneException(
                $"Cannot use the IOMMU group {device.IommuGroup} of {device.Address} (VFIO_GROUP_SET_CONTAINER): {Errno.Describe(error)}");
    }

    /// <summary>The kernel has nothing that could translate for the group.</summary>
    public static DataplaneException NoIommuDriver(HostFiles files, PciDevice device) => IsWithoutIommu(files, device)
        ? new DataplaneException(
            $"{device.Address} has no IOMMU, and VFIO's No-IOMMU mode is off", $"switch it on on the host with 'echo 1 > {UnsafeMode}'")
        : new DataplaneException(
            $"VFIO has no driver for the IOMMU of {device.Address}", "load it on the host with 'modprobe vfio_iommu_type1'");

    /// <summary>The IOMMU cannot be used.</summary>
    public static DataplaneException IommuNotSet(int error, int iommu, PciDevice device)
    {
        string problem = $"VFIO cannot use the IOMMU of {device.Address} (VFIO_SET_IOMMU {iommu})";
        if (error != Errno.EPERM)
            return new DataplaneException($"{problem}: {Errno.Describe(error)}");
        return iommu == VfioNumbers.VFIO_NOIOMMU_IOMMU
            ? new DataplaneException($"{problem}: doing without takes CAP_SYS_RAWIO", $"run as root; in a pod, {RawIoInPod}")
            : new DataplaneException(
                $"{problem}: it does not keep interrupts of devices apart",
                "switch interrupt remapping on in the firmware, or trust the devices: 'modprobe vfio_iommu_type1 allow_unsafe_interrupts=1' on the host");
    }

    /// <summary>A device of an open group cannot be opened.</summary>
    /// <param name="error">What the kernel said.</param>
    /// <param name="device">The device.</param>
    /// <param name="hasToken">Whether a token was given.</param>
    public static DataplaneException DeviceNotOpened(int error, PciDevice device, bool hasToken)
    {
        string problem = $"VFIO does not open {device.Address}";
        if (error is not (Errno.EACCES or Errno.EINVAL))
            return new DataplaneException($"{problem}: {Errno.Describe(error)}", "see what dmesg says of the device");
        // The kernel takes the token of whoever opens the physical function for that of all (Documentation/driver-api/vfio.rst).
        string pair = device.PhysicalFunction is { } function
            ? $"its physical function {function} belongs to VFIO, too"
            : "virtual functions of it are in use";
        return hasToken
            ? new DataplaneException(
                $"{problem}: {pair}, and not with the token that --vfio-vf-token gives",
                "start the process that has the physical function first, and give the same --vfio-vf-token to both")
            : new DataplaneException($"{problem} without a token: {pair}", "give the token that the other process has: --vfio-vf-token=UUID");
    }

    private static bool IsWithoutIommu(HostFiles files, PciDevice device) =>
        files.ReadText($"/sys/kernel/iommu_groups/{device.IommuGroup}/name") == NameWithoutIommu;
}
