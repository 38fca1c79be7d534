using Dataplane.Linux;
using Dataplane.Memory;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// The memory that the devices of a container may reach, at the addresses that drivers will give them: from when it is shared
/// to the end, again and again. Segments may come on any thread; the rest is one thread's at a time.
/// </summary>
/// <param name="files">Where /proc is.</param>
/// <param name="iommu">Of the container.</param>
internal sealed unsafe class DmaMappings(HostFiles files, IIommu iommu)
{
    private readonly Lock _gate = new();
    private readonly List<(ulong Iova, ulong Length)> _mapped = [];
    private IommuLimits? _limits;
    private IDisposable? _watch;

    /// <summary>
    /// Lets the devices reach all segments of a memory, those to come included. The container has a group; nothing to do if the
    /// memory is shared already.
    /// </summary>
    /// <exception cref="DataplaneException">The IOMMU or the system refused; nothing is mapped then.</exception>
    public void Share(DataplaneMemory memory)
    {
        if (_watch is not null)
            return;
        // Of the first group's IOMMU, which is chosen anew when all groups have gone.
        _limits = iommu.ReadLimits();
        try
        {
            _watch = memory.WatchSegments(Map);
        }
        catch
        {
            End();
            throw;
        }
    }

    /// <summary>Takes all memory away from the devices.</summary>
    public void End()
    {
        _watch?.Dispose();
        _watch = null;
        lock (_gate)
            Unmap(downTo: 0);
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

    /// <summary>Lets the devices reach a segment; when the IOMMU or the system refuses, nothing of it.</summary>
    private void Map(MemorySegment segment)
    {
        lock (_gate)
        {
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

    private void Map(byte* address, nuint length, ulong iova)
    {
        _limits!.Check(iova, length);
        int error = iommu.Map(address, length, iova);
        if (error != 0)
            throw Refused(error, iova, length);
        _mapped.Add((iova, length));
    }

    private DataplaneException Refused(int error, ulong iova, ulong length) => error switch
    {
        Errno.ENOMEM => LockedMemoryLimit.Explain(files, length),
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
            iommu.Unmap(iova, length);
        }

        _mapped.RemoveRange(downTo, _mapped.Count - downTo);
    }
}
