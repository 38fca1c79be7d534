using Dataplane.Linux;
using Dataplane.Memory;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>Which addresses an IOMMU can give to devices, and in which steps.</summary>
/// <param name="PageSizes">A bit for each page size; 0 if the kernel does not say.</param>
/// <param name="Ranges">The addresses; none if the kernel does not say (before Linux 5.4).</param>
internal sealed record IommuLimits(ulong PageSizes, IReadOnlyList<VfioIovaRange> Ranges)
{
    /// <summary>Bytes that addresses and lengths must be multiples of.</summary>
    public ulong SmallestPage => PageSizes & (~PageSizes + 1);

    /// <summary>Asks a container that has an IOMMU.</summary>
    /// <exception cref="DataplaneException">It does not answer.</exception>
    public static unsafe IommuLimits Read(SafeFileHandle container)
    {
        VfioAnswer<VfioIommuInfo> answer =
            VfioAnswer<VfioIommuInfo>.Ask(container, VfioNumbers.VFIO_IOMMU_GET_INFO, default)
            ?? throw new DataplaneException($"Cannot read the limits of the IOMMU (VFIO_IOMMU_GET_INFO): {Errno.DescribeLast()}");
        return Parse(answer);
    }

    /// <summary>Reads what the kernel said.</summary>
    public static unsafe IommuLimits Parse(VfioAnswer<VfioIommuInfo> answer)
    {
        VfioIommuInfo head = answer.Head;
        uint first = (head.Flags & VfioNumbers.VFIO_IOMMU_INFO_CAPS) != 0 ? head.CapOffset : 0;
        VfioIovaRange[] ranges = [];
        if (answer.FindCapability(first, VfioNumbers.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) is { } offset)
        {
            uint count = answer.Read<VfioIovaRanges>(offset).NrIovas;
            ranges = answer.ReadAll<VfioIovaRange>(offset + sizeof(VfioIovaRanges), count);
        }

        return new IommuLimits((head.Flags & VfioNumbers.VFIO_IOMMU_INFO_PGSIZES) != 0 ? head.IovaPgsizes : 0, ranges);
    }

    /// <summary>Refuses memory that the IOMMU cannot give to devices.</summary>
    /// <param name="iova">The address that devices would use.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="DataplaneException">It cannot.</exception>
    public void Check(ulong iova, ulong length)
    {
        string memory = $"Devices cannot be given the memory at 0x{iova:x}-0x{iova + length - 1:x}";
        if (SmallestPage != 0 && (iova | length) % SmallestPage != 0)
        {
            throw new DataplaneException(
                $"{memory}: the IOMMU's smallest page is {ByteSize.Format(SmallestPage)}",
                "use hugepages: leave out --no-huge, and reserve some, such as 'dataplane hugepages --setup 1G'");
        }

        if (Ranges.Count == 0 || Ranges.Any(range => iova >= range.Start && iova + length - 1 <= range.End))
            return;
        string ranges = string.Join(", ", Ranges.Select(range => $"0x{range.Start:x}-0x{range.End:x}"));
        throw new DataplaneException(
            $"{memory}: the IOMMU translates {ranges}",
            "place the memory within them, such as --base-virtaddr=0x100000000, which is the default");
    }
}
