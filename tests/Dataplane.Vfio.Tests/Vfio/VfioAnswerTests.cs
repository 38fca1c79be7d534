using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vfio.Vfio;

namespace Dataplane.Vfio.Tests.Vfio;

public class VfioAnswerTests
{
    [Fact]
    public void The_ranges_of_an_IOMMU_are_read_from_its_capability()
    {
        byte[] answer = Bytes(
            new VfioIommuInfo
            {
                Flags = VfioNumbers.VFIO_IOMMU_INFO_PGSIZES | VfioNumbers.VFIO_IOMMU_INFO_CAPS,
                IovaPgsizes = 0x201000,
                CapOffset = 24,
            },
            new VfioCapabilityHeader { Id = 9, Next = 32 },
            new VfioIovaRanges { Header = { Id = VfioNumbers.VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE }, NrIovas = 2 },
            new VfioIovaRange { Start = 0, End = 0xfedfffff },
            new VfioIovaRange { Start = 0xfef00000, End = 0x7fffffffff });

        IommuLimits limits = IommuLimits.Parse(new VfioAnswer<VfioIommuInfo>(answer));

        Assert.Equal(0x1000UL, limits.SmallestPage);
        Assert.Equal([(0UL, 0xfedfffffUL), (0xfef00000UL, 0x7fffffffffUL)], limits.Ranges.Select(range => (range.Start, range.End)));
    }

    [Fact]
    public void A_kernel_without_capabilities_sets_no_limits()
    {
        IommuLimits limits = IommuLimits.Parse(new VfioAnswer<VfioIommuInfo>(Bytes(default(VfioIommuInfo))));

        Assert.Empty(limits.Ranges);
        limits.Check(0x7f00_0000_1234, 0x10);
    }

    [Fact]
    public void The_areas_of_a_region_are_read_from_its_capability()
    {
        byte[] answer = Bytes(
            new VfioRegionInfo
            {
                Flags = VfioNumbers.VFIO_REGION_INFO_FLAG_MMAP | VfioNumbers.VFIO_REGION_INFO_FLAG_CAPS,
                CapOffset = 32,
                Size = 0x4000,
            },
            new VfioCapabilityHeader { Id = VfioNumbers.VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, Next = 40 },
            new VfioSparseMmap { Header = { Id = VfioNumbers.VFIO_REGION_INFO_CAP_SPARSE_MMAP }, NrAreas = 1 },
            new VfioSparseArea { Offset = 0x1000, Size = 0x2000 });

        VfioRegion region = VfioRegion.Parse(new VfioAnswer<VfioRegionInfo>(answer));

        Assert.True(region.IsMappable);
        Assert.True(region.MsixMappable);
        Assert.Equal([(0x1000UL, 0x2000UL)], region.MappableAreas!.Select(area => (area.Offset, area.Size)));
    }

    [Fact]
    public void Capabilities_in_a_circle_end()
    {
        byte[] answer = Bytes(default(VfioRegionInfo), new VfioCapabilityHeader { Id = 8, Next = 32 });

        Assert.Null(new VfioAnswer<VfioRegionInfo>(answer).FindCapability(32, 1));
    }

    private static byte[] Bytes(params IEnumerable<object> structs) => [.. structs.SelectMany(Bytes)];

    private static byte[] Bytes(object value)
    {
        byte[] bytes = new byte[Marshal.SizeOf(value)];
        Marshal.StructureToPtr(value, Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0), fDeleteOld: false);
        return bytes;
    }
}
