using Dataplane.Linux;
using Dataplane.Memory;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>The memory that the devices of a container may reach, at the addresses that drivers will give them. Any thread.</summary>
internal sealed unsafe class DmaMappings
{
    private readonly Lock _gate = new();
    private readonly HostFiles _files;
    private readonly SafeFileHandle _container;
    private readonly IommuLimits _limits;
    private readonly List<(ulong Iova, ulong Length)> _mapped = [];
    private bool _ended;

    /// <param name="files">Where /proc is.</param>
    /// <param name="container">Has an IOMMU, and all groups that it will have.</param>
    public DmaMappings(HostFiles files, SafeFileHandle container)
    {
        _files = files;
        _container = container;
        _limits = IommuLimits.Read(container);
    }

    /// <summary>Lets the devices reach a segment.</summary>
    /// <exception cref="DataplaneException">The IOMMU or the system refused; nothing of the segment is mapped then.</exception>
    public void Map(MemorySegment segment)
    {
        lock (_gate)
        {
            // Nobody is left to reach it.
            if (_ended)
                return;
            int before = _mapped.Count;
            try
            {
                foreach ((nuint offset, nuint length, ulong iova) in Pieces(segment))
                    Map(segment.Address + offset, length, iova);
            }
            catch
            {
                Unmap(downTo: before);
                throw;
            }
        }
    }

    /// <summary>Takes all memory away from the devices, for good.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            Unmap(downTo: 0);
        }
    }

    /// <summary>
    /// What can be mapped at once: the whole segment where devices are given virtual addresses; pages that are neighbours
    /// where they are given physical ones.
    /// </summary>
    internal static IEnumerable<(nuint Offset, nuint Length, ulong Iova)> Pieces(MemorySegment segment)
    {
        if (segment.PhysicalPages is not { } pages)
            return [(0, segment.Length, AddressOf(segment))];
        var pieces = new List<(nuint Offset, nuint Length, ulong Iova)>();
        int first = 0;
        for (int page = 1; page <= pages.Length; page++)
        {
            if (page < pages.Length && pages[page] == pages[page - 1] + segment.PageSize)
                continue;
            pieces.Add(((nuint)first * segment.PageSize, (nuint)(page - first) * segment.PageSize, pages[first]));
            first = page;
        }

        return pieces;
    }

    private static ulong AddressOf(MemorySegment segment) => (ulong)segment.Address;

    private void Map(byte* address, nuint length, ulong iova)
    {
        _limits.Check(iova, length);
        var map = new VfioDmaMap
        {
            Argsz = (uint)sizeof(VfioDmaMap),
            Flags = VfioNumbers.VFIO_DMA_MAP_FLAG_READ | VfioNumbers.VFIO_DMA_MAP_FLAG_WRITE,
            Vaddr = (ulong)address,
            Iova = iova,
            Size = length,
        };
        if (Libc.Ioctl(_container, VfioNumbers.VFIO_IOMMU_MAP_DMA, &map) < 0)
            throw Refused(Errno.Last, iova, length);
        _mapped.Add((iova, length));
    }

    private DataplaneException Refused(int error, ulong iova, ulong length) => error switch
    {
        Errno.ENOMEM => LockedMemoryLimit.Explain(_files, length),
        Errno.ENOSPC => new DataplaneException(
            $"Cannot map {ByteSize.Format(length)} of memory for devices: the IOMMU's {_mapped.Count} mappings are all that it may have",
            "use larger pages, or raise /sys/module/vfio_iommu_type1/parameters/dma_entry_limit on the host"),
        _ => new DataplaneException(
            $"Cannot map {ByteSize.Format(length)} of memory for devices at the address 0x{iova:x}: {Errno.Describe(error)}"),
    };

    private void Unmap(int downTo)
    {
        for (int i = _mapped.Count - 1; i >= downTo; i--)
        {
            (ulong iova, ulong length) = _mapped[i];
            var unmap = new VfioDmaUnmap { Argsz = (uint)sizeof(VfioDmaUnmap), Iova = iova, Size = length };
            // Where it fails, the kernel takes the memory back when the container is closed.
            _ = Libc.Ioctl(_container, VfioNumbers.VFIO_IOMMU_UNMAP_DMA, &unmap);
        }

        _mapped.RemoveRange(downTo, _mapped.Count - downTo);
    }
}
