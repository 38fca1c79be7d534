using System.Runtime.InteropServices;
using Dataplane.Linux;

namespace Dataplane.Virtio;

/// <summary>A descriptor of a split queue (virtio 1.2, section 2.7.5).</summary>
[KernelStruct("struct vring_desc", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct SplitDescriptor
{
    public const int Length = 16;

    [KernelField("addr")]
    [FieldOffset(0)] public ulong Address;

    [KernelField("len")]
    [FieldOffset(8)] public uint BufferLength;

    [FieldOffset(12)] public DescriptorFlags Flags;

    [FieldOffset(14)] public ushort Next;
}

/// <summary>The start of the available ring (section 2.7.6); behind it the ring of descriptor indices, then used_event.</summary>
[KernelStruct("struct vring_avail", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = HeaderLength)]
internal struct AvailableRing
{
    public const int HeaderLength = 4;

    /// <summary>VIRTQ_AVAIL_F_NO_INTERRUPT: the driver needs no interrupts. Of no meaning with an event index.</summary>
    [KernelConstant("linux/virtio_ring.h", Name = "VRING_AVAIL_F_NO_INTERRUPT")]
    public const ushort NoInterrupt = 1;

    [FieldOffset(0)] public ushort Flags;

    [KernelField("idx")]
    [FieldOffset(2)] public ushort Index;
}

/// <summary>The start of the used ring (section 2.7.8); behind it the ring of elements, then avail_event.</summary>
[KernelStruct("struct vring_used", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = HeaderLength)]
internal struct UsedRing
{
    public const int HeaderLength = 4;

    /// <summary>VIRTQ_USED_F_NO_NOTIFY: the device needs no notifications. Of no meaning with an event index.</summary>
    [KernelConstant("linux/virtio_ring.h", Name = "VRING_USED_F_NO_NOTIFY")]
    public const ushort NoNotify = 1;

    [FieldOffset(0)] public ushort Flags;

    [KernelField("idx")]
    [FieldOffset(2)] public ushort Index;
}

/// <summary>An element of the used ring (section 2.7.8).</summary>
[KernelStruct("struct vring_used_elem", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct UsedElement
{
    public const int Length = 8;

    /// <summary>Index of the first descriptor of the buffer.</summary>
    [FieldOffset(0)] public uint Id;

    /// <summary>Bytes that the device wrote into the buffer.</summary>
    [KernelField("len")]
    [FieldOffset(4)] public uint Written;
}
