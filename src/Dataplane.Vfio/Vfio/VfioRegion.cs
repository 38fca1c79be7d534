using Dataplane.Linux;

namespace Dataplane.Vfio.Vfio;

/// <summary>A region of a device's file: a BAR, or configuration space.</summary>
/// <param name="Size">Bytes; 0 if the device has no such region.</param>
/// <param name="Offset">Where it starts in the file.</param>
/// <param name="Flags">What can be done with it.</param>
/// <param name="MappableAreas">The parts that can be mapped; null for all of it.</param>
/// <param name="MsixMappable">Whether the MSI-X table can be mapped along with the rest.</param>
internal sealed record VfioRegion(
    ulong Size, ulong Offset, uint Flags, IReadOnlyList<VfioSparseArea>? MappableAreas, bool MsixMappable)
{
    /// <summary>Whether it can be mapped and not just be read and written.</summary>
    public bool IsMappable => (Flags & VfioNumbers.VFIO_REGION_INFO_FLAG_MMAP) != 0;

    /// <summary>Reads what the kernel said.</summary>
    public static unsafe VfioRegion Parse(VfioAnswer<VfioRegionInfo> answer)
    {
        VfioRegionInfo head = answer.Head;
        uint first = (head.Flags & VfioNumbers.VFIO_REGION_INFO_FLAG_CAPS) != 0 ? head.CapOffset : 0;
        VfioSparseArea[]? areas = null;
        if (answer.FindCapability(first, VfioNumbers.VFIO_REGION_INFO_CAP_SPARSE_MMAP) is { } sparse)
            areas = answer.ReadAll<VfioSparseArea>(sparse + sizeof(VfioSparseMmap), answer.Read<VfioSparseMmap>(sparse).NrAreas);
        bool msixMappable = answer.FindCapability(first, VfioNumbers.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE) is not null;
        return new VfioRegion(head.Size, head.Offset, head.Flags, areas, msixMappable);
    }
}
