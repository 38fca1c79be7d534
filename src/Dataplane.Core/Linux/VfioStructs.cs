namespace Dataplane.Linux;

/// <summary>Whether all devices of a group may be used.</summary>
[KernelStruct("struct vfio_group_status", "linux/vfio.h")]
internal struct VfioGroupStatus
{
    public uint Argsz;
    public uint Flags;
}

/// <summary>What a device has. The kernel fills as much as <see cref="Argsz"/> says; newer ones have more.</summary>
[KernelStruct("struct vfio_device_info", "linux/vfio.h")]
internal struct VfioDeviceInfo
{
    public uint Argsz;
    public uint Flags;
    public uint NumRegions;
    public uint NumIrqs;
    public uint CapOffset;
}

/// <summary>A region of a device (a BAR, configuration space); capabilities may follow.</summary>
[KernelStruct("struct vfio_region_info", "linux/vfio.h")]
internal struct VfioRegionInfo
{
    public uint Argsz;
    public uint Flags;
    public uint Index;
    public uint CapOffset;
    public ulong Size;
    public ulong Offset;
}

/// <summary>The head of each capability; <see cref="Next"/> counts from the start of the structure that they follow.</summary>
[KernelStruct("struct vfio_info_cap_header", "linux/vfio.h")]
internal struct VfioCapabilityHeader
{
    public ushort Id;
    public ushort Version;
    public uint Next;
}

/// <summary>The areas of a region that can be mapped; they follow.</summary>
[KernelStruct("struct vfio_region_info_cap_sparse_mmap", "linux/vfio.h")]
internal struct VfioSparseMmap
{
    public VfioCapabilityHeader Header;
    public uint NrAreas;
    public uint Reserved;
}

/// <summary>An area of a region.</summary>
[KernelStruct("struct vfio_region_sparse_mmap_area", "linux/vfio.h")]
internal struct VfioSparseArea
{
    public ulong Offset;
    public ulong Size;
}

/// <summary>A kind of interrupts that a device has.</summary>
[KernelStruct("struct vfio_irq_info", "linux/vfio.h")]
internal struct VfioIrqInfo
{
    public uint Argsz;
    public uint Flags;
    public uint Index;
    public uint Count;
}

/// <summary>What shall happen with interrupts; eventfds follow, an int each.</summary>
[KernelStruct("struct vfio_irq_set", "linux/vfio.h")]
internal struct VfioIrqSet
{
    public uint Argsz;
    public uint Flags;
    public uint Index;
    public uint Start;
    public uint Count;
}

/// <summary>What an IOMMU can translate; capabilities may follow.</summary>
[KernelStruct("struct vfio_iommu_type1_info", "linux/vfio.h")]
internal struct VfioIommuInfo
{
    public uint Argsz;
    public uint Flags;
    public ulong IovaPgsizes;
    public uint CapOffset;
}

/// <summary>The addresses that an IOMMU translates; the ranges follow.</summary>
[KernelStruct("struct vfio_iommu_type1_info_cap_iova_range", "linux/vfio.h")]
internal struct VfioIovaRanges
{
    public VfioCapabilityHeader Header;
    public uint NrIovas;
    public uint Reserved;
}

/// <summary>A range of addresses.</summary>
[KernelStruct("struct vfio_iova_range", "linux/vfio.h")]
internal struct VfioIovaRange
{
    public ulong Start;

    /// <summary>The last address of the range.</summary>
    public ulong End;
}

/// <summary>Memory that devices may reach from now on.</summary>
[KernelStruct("struct vfio_iommu_type1_dma_map", "linux/vfio.h")]
internal struct VfioDmaMap
{
    public uint Argsz;
    public uint Flags;
    public ulong Vaddr;
    public ulong Iova;
    public ulong Size;
}

/// <summary>Memory that they may not reach any more.</summary>
[KernelStruct("struct vfio_iommu_type1_dma_unmap", "linux/vfio.h")]
internal struct VfioDmaUnmap
{
    public uint Argsz;
    public uint Flags;
    public ulong Iova;
    public ulong Size;
}
