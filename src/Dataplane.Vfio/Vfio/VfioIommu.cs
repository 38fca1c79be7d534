using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>The IOMMU of a container's file, which has one from its first group on.</summary>
internal sealed unsafe class VfioIommu(SafeFileHandle container) : IIommu
{
    public IommuLimits ReadLimits() => IommuLimits.Read(container);

    public int Map(byte* address, nuint length, ulong iova)
    {
        var map = new VfioDmaMap
        {
            Argsz = (uint)sizeof(VfioDmaMap),
            Flags = VfioNumbers.VFIO_DMA_MAP_FLAG_READ | VfioNumbers.VFIO_DMA_MAP_FLAG_WRITE,
            Vaddr = (ulong)address,
            Iova = iova,
            Size = length,
        };
        return Libc.Ioctl(container, VfioNumbers.VFIO_IOMMU_MAP_DMA, &map) < 0 ? Errno.Last : 0;
    }

    public void Unmap(ulong iova, ulong length)
    {
        var unmap = new VfioDmaUnmap { Argsz = (uint)sizeof(VfioDmaUnmap), Iova = iova, Size = length };
        _ = Libc.Ioctl(container, VfioNumbers.VFIO_IOMMU_UNMAP_DMA, &unmap);
    }
}
