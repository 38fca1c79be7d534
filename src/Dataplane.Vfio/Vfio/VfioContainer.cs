using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Vfio.Pci;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// What the groups of a runtime share: one IOMMU context, or none at all (No-IOMMU). Which of them is asked of the kernel by
/// ioctls and never read from the name of a file: device plugins rename <c>/dev/vfio/noiommu-N</c> to <c>/dev/vfio/N</c>.
/// Belongs to the control plane; devices may be given back on any thread, as each port has its own.
/// </summary>
internal sealed unsafe class VfioContainer : IDisposable
{
    public const string Path = "/dev/vfio/vfio";

    /// <summary>In the order in which they are tried; the second version of Type1 unmaps exactly what is asked.</summary>
    private static readonly int[] s_iommus =
        [VfioNumbers.VFIO_TYPE1v2_IOMMU, VfioNumbers.VFIO_TYPE1_IOMMU, VfioNumbers.VFIO_NOIOMMU_IOMMU];

    private readonly Lock _gate = new();
    private readonly HostFiles _files;
    private readonly SafeFileHandle _handle;
    private readonly Dictionary<int, VfioGroup> _groups = [];
    private readonly DmaMappings _mappings;

    /// <exception cref="DataplaneException">VFIO is not there, or not for us.</exception>
    public VfioContainer(HostFiles files)
    {
        _files = files;
        _handle = Libc.Open(System.IO.Path.Join(files.Root, Path), Libc.O_RDWR | Libc.O_CLOEXEC);
        if (_handle.IsInvalid)
            throw VfioRefusals.ContainerNotOpened(Errno.Last);
        int version = Libc.Ioctl(_handle, VfioNumbers.VFIO_GET_API_VERSION, null);
        _mappings = new DmaMappings(files, new VfioIommu(_handle));
        if (version == VfioNumbers.VFIO_API_VERSION)
            return;
        _handle.Dispose();
        throw new DataplaneException($"{Path} is not VFIO as we know it: its version is {version}, not {VfioNumbers.VFIO_API_VERSION}");
    }

    /// <summary>The kind of IOMMU, as VFIO_SET_IOMMU takes it; 0 before the first group.</summary>
    public int Iommu { get; private set; }

    /// <summary>Whether devices must be given physical addresses, for lack of an IOMMU.</summary>
    public bool IsWithoutIommu => Iommu == VfioNumbers.VFIO_NOIOMMU_IOMMU;

    /// <summary>Opens the group of a device, or shares it if it is open already.</summary>
    /// <returns>The caller disposes it, behind the device; the last one of a group closes it.</returns>
    /// <exception cref="DataplaneException">It cannot be opened, or is not whole.</exception>
    public VfioGroup Join(PciDevice device)
    {
        int number = device.IommuGroup ?? throw VfioRefusals.NoGroup(device);
        lock (_gate)
        {
            if (!_groups.TryGetValue(number, out VfioGroup? group))
                _groups.Add(number, group = OpenGroup(number, device));
            group.Users++;
            return group;
        }
    }

    /// <summary>Lets the devices reach all segments of a memory, those to come included, until their last group is gone.</summary>
    /// <exception cref="DataplaneException">The IOMMU cannot give it to devices.</exception>
    public void ShareMemory(DataplaneMemory memory)
    {
        lock (_gate)
        {
            if (!IsWithoutIommu)
                _mappings.Share(memory);
        }
    }

    /// <summary>Gives everything back; no device is open any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _mappings.End();
            foreach (VfioGroup group in _groups.Values)
                group.Close();
            _groups.Clear();
        }

        _handle.Dispose();
    }

    private VfioGroup OpenGroup(int number, PciDevice device)
    {
        VfioGroup group = VfioGroup.Open(_files, device, number, Leave);
        try
        {
            Attach(group, device);
            return group;
        }
        catch
        {
            group.Close();
            throw;
        }
    }

    private void Attach(VfioGroup group, PciDevice device)
    {
        group.RequireViable(device);
        group.SetContainer(_handle, device, containerHasNoIommu: _groups.Count == 0 ? null : IsWithoutIommu);
        if (_groups.Count == 0)
            Iommu = ChooseIommu(device);
    }

    /// <summary>The kernel says what it has for the kind of group that is in the container.</summary>
    private int ChooseIommu(PciDevice device)
    {
        int iommu = Array.Find(s_iommus, candidate => Libc.Ioctl(_handle, VfioNumbers.VFIO_CHECK_EXTENSION, candidate) > 0);
        if (iommu == 0)
            throw VfioRefusals.NoIommuDriver(_files, device);
        if (Libc.Ioctl(_handle, VfioNumbers.VFIO_SET_IOMMU, iommu) < 0)
            throw VfioRefusals.IommuNotSet(Errno.Last, iommu, device);
        return iommu;
    }

    /// <summary>A device of a group has gone.</summary>
    private void Leave(VfioGroup group)
    {
        lock (_gate)
        {
            if (--group.Users != 0)
                return;
            _groups.Remove(group.Number);
            // The kernel would do it, too, when the last group leaves the container; groups that come then get the memory anew.
            if (_groups.Count == 0)
                _mappings.End();
            group.Close();
        }
    }
}
