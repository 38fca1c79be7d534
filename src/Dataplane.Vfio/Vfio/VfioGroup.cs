using Dataplane.Linux;
using Dataplane.Vfio.Pci;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// An IOMMU group: the devices that the IOMMU cannot tell apart, which one process must have all together. Shared by the
/// devices that we use of it.
/// </summary>
internal sealed unsafe class VfioGroup : IDisposable
{
    private readonly HostFiles _files;
    private readonly string _path;
    private readonly SafeFileHandle _handle;
    private readonly Action<VfioGroup> _left;

    private VfioGroup(HostFiles files, int number, string path, SafeFileHandle handle, Action<VfioGroup> left)
    {
        _files = files;
        Number = number;
        _path = path;
        _handle = handle;
        _left = left;
    }

    /// <summary>The kernel's number of the group.</summary>
    public int Number { get; }

    /// <summary>How many use it and will dispose it; the container counts them.</summary>
    public int Users { get; set; }

    /// <summary>Opens a group.</summary>
    /// <param name="files">Where /dev, /proc and /sys are.</param>
    /// <param name="device">A device of it, for messages.</param>
    /// <param name="number">The kernel's number of the group.</param>
    /// <param name="left">Called when a user has disposed it.</param>
    /// <exception cref="DataplaneException">It is not there, not for us, or in use.</exception>
    public static VfioGroup Open(HostFiles files, PciDevice device, int number, Action<VfioGroup> left)
    {
        string path = $"/dev/vfio/{number}";
        SafeFileHandle handle = OpenFile(files, path);
        if (handle.IsInvalid && Errno.Last == Errno.ENOENT)
        {
            handle.Dispose();
            string withoutIommu = $"/dev/vfio/noiommu-{number}";
            handle = OpenFile(files, withoutIommu);
            if (!handle.IsInvalid || Errno.Last != Errno.ENOENT)
                path = withoutIommu;
        }

        if (!handle.IsInvalid)
            return new VfioGroup(files, number, path, handle, left);
        int error = Errno.Last;
        handle.Dispose();
        throw VfioRefusals.GroupNotOpened(files, error, path, device);
    }

    /// <summary>Refuses a group of which the kernel still drives a device.</summary>
    public void RequireViable(PciDevice device)
    {
        var status = new VfioGroupStatus { Argsz = (uint)sizeof(VfioGroupStatus) };
        if (Libc.Ioctl(_handle, VfioNumbers.VFIO_GROUP_GET_STATUS, &status) < 0)
            throw new DataplaneException($"{_path} of {device.Address} does not answer as VFIO does: {Errno.DescribeLast()}");
        if ((status.Flags & VfioNumbers.VFIO_GROUP_FLAGS_VIABLE) == 0)
            throw VfioRefusals.NotViable(_files, device);
    }

    /// <summary>Puts the group into a container.</summary>
    /// <param name="container">The container.</param>
    /// <param name="device">A device of the group, for messages.</param>
    /// <param name="containerHasNoIommu">Whether the groups that are in it have no IOMMU; null if it is empty.</param>
    public void SetContainer(SafeFileHandle container, PciDevice device, bool? containerHasNoIommu)
    {
        int descriptor = (int)container.DangerousGetHandle();
        if (Libc.Ioctl(_handle, VfioNumbers.VFIO_GROUP_SET_CONTAINER, &descriptor) < 0)
            throw VfioRefusals.NotJoined(_files, Errno.Last, device, containerHasNoIommu);
    }

    /// <summary>Opens a device of the group; the group must be in a container that has its IOMMU.</summary>
    /// <param name="name">The device's address, and what else VFIO wants to know, such as a token.</param>
    /// <returns>Invalid if the kernel refuses; it says why in <see cref="Errno.Last"/>.</returns>
    public SafeFileHandle OpenDevice(string name)
    {
        byte[] text = [.. System.Text.Encoding.ASCII.GetBytes(name), 0];
        fixed (byte* start = text)
            return new SafeFileHandle(Libc.Ioctl(_handle, VfioNumbers.VFIO_GROUP_GET_DEVICE_FD, start), ownsHandle: true);
    }

    /// <summary>Takes a user away; the last one closes it. Any thread.</summary>
    public void Dispose() => _left(this);

    /// <summary>Gives the group back, whoever still uses it.</summary>
    public void Close() => _handle.Dispose();

    private static SafeFileHandle OpenFile(HostFiles files, string path) =>
        Libc.Open(Path.Join(files.Root, path), Libc.O_RDWR | Libc.O_CLOEXEC);
}
