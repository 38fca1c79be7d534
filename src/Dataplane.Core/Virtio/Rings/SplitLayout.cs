using System.Runtime.InteropServices;

namespace Dataplane.Virtio;

/// <summary>A descriptor of a split queue (virtio 1.2, section 2.7.5).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct SplitDescriptor
{
    public const int Length = 16;

    [FieldOffset(0)] public ulong Address;
    [FieldOffset(8)] public uint BufferLength;
    [FieldOffset(12)] public DescriptorFlags Flags;
    [FieldOffset(14)] public ushort Next;

    /// <summary>The three fields behind the address, for one store.</summary>
    [FieldOffset(8)] public ulong Rest;
}

/// <summary>The start of the available ring (section 2.7.6); behind it the ring of descriptor indices, then used_event.</summary>
[StructLayout(LayoutKind.Explicit, Size = HeaderLength)]
internal struct AvailableRing
{
    public const int HeaderLength = 4;

    /// <summary>VIRTQ_AVAIL_F_NO_INTERRUPT: the driver needs no interrupts. Of no meaning with an event index.</summary>
    public const ushort NoInterrupt = 1;

    [FieldOffset(0)] public ushort Flags;
    [FieldOffset(2)] public ushort Index;
}

/// <summary>The start of the used ring (section 2.7.8); behind it the ring of elements, then avail_event.</summary>
[StructLayout(LayoutKind.Explicit, Size = HeaderLength)]
internal struct UsedRing
{
    public const int HeaderLength = 4;

    /// <summary>VIRTQ_USED_F_NO_NOTIFY: the device needs no notifications. Of no meaning with an event index.</summary>
    public const ushort NoNotify = 1;

    [FieldOffset(0)] public ushort Flags;
    [FieldOffset(2)] public ushort Index;
}

/// <summary>An element of the used ring (section 2.7.8).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct UsedElement
{
    public const int Length = 8;

    /// <summary>Index of the first descriptor of the buffer.</summary>
    [FieldOffset(0)] public uint Id;

    /// <summary>Bytes that the device wrote into the buffer.</summary>
    [FieldOffset(4)] public uint Written;
}
