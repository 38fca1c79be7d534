using System.Runtime.InteropServices;

namespace Dataplane.Virtio;

/// <summary>
/// What is written down of a split queue (vhost-user, "Inflight I/O tracking": QueueRegionSplit); behind it is a
/// <see cref="SplitInflightEntry"/> per descriptor.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct SplitInflightHeader
{
    public const int Length = 16;

    [FieldOffset(0)] public ulong Features;

    /// <summary>A <see cref="SplitInflightState"/>.</summary>
    [FieldOffset(8)] public ulong State;
}

/// <summary>The fields of a <see cref="SplitInflightHeader"/> that change, as one word.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct SplitInflightState
{
    /// <summary>0: nothing was written down yet.</summary>
    [FieldOffset(0)] public ushort Version;

    /// <summary>Entries.</summary>
    [FieldOffset(2)] public ushort EntryCount;

    /// <summary>The last buffer of the last batch that went back.</summary>
    [FieldOffset(4)] public ushort LastBatchHead;

    /// <summary>The index of the used ring, when all of that was written down.</summary>
    [FieldOffset(6)] public ushort UsedIndex;
}

/// <summary>Of a descriptor of a split queue that is the first of a buffer (DescStateSplit).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct SplitInflightEntry
{
    public const int Length = 16;

    /// <summary>1: the device has the buffer.</summary>
    [FieldOffset(0)] public byte IsInflight;

    /// <summary>The buffer that went back before it.</summary>
    [FieldOffset(6)] public ushort Next;

    /// <summary>Larger for buffers that were taken later.</summary>
    [FieldOffset(8)] public ulong Counter;
}

/// <summary>
/// What is written down of a packed queue (QueueRegionPacked); behind it is a <see cref="PackedInflightEntry"/> per descriptor.
/// What starts with "old" was true before the batch that is just going back.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct PackedInflightHeader
{
    public const int Length = 32;

    [FieldOffset(0)] public ulong Features;

    /// <summary>A <see cref="PackedInflightList"/>.</summary>
    [FieldOffset(8)] public ulong List;

    /// <summary>A <see cref="PackedInflightUsed"/>.</summary>
    [FieldOffset(16)] public ulong Used;
}

/// <summary>Where the free entries start, and the fields before, as one word.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct PackedInflightList
{
    /// <summary>0: nothing was written down yet.</summary>
    [FieldOffset(0)] public ushort Version;

    /// <summary>Entries.</summary>
    [FieldOffset(2)] public ushort EntryCount;

    [FieldOffset(4)] public ushort FreeHead;

    [FieldOffset(6)] public ushort OldFreeHead;
}

/// <summary>Where the next used descriptor goes, as one word.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct PackedInflightUsed
{
    [FieldOffset(0)] public ushort UsedIndex;

    [FieldOffset(2)] public ushort OldUsedIndex;

    [FieldOffset(4)] public byte UsedWrap;

    [FieldOffset(5)] public byte OldUsedWrap;
}

/// <summary>A descriptor that was taken from a packed queue (DescStatePacked); what is said of a buffer stands in its first.</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct PackedInflightEntry
{
    public const int Length = 32;

    /// <summary>1: the device has the buffer.</summary>
    [FieldOffset(0)] public byte IsInflight;

    /// <summary>The entry behind it, of the buffer or of the free ones; behind the last free one there is none that exists.</summary>
    [FieldOffset(2)] public ushort Next;

    /// <summary>The last entry of the buffer.</summary>
    [FieldOffset(4)] public ushort Last;

    /// <summary>Entries of the buffer.</summary>
    [FieldOffset(6)] public ushort Count;

    /// <summary>Larger for buffers that were taken later.</summary>
    [FieldOffset(8)] public ulong Counter;

    [FieldOffset(16)] public ushort Id;

    [FieldOffset(18)] public DescriptorFlags Flags;

    [FieldOffset(20)] public uint BufferLength;

    [FieldOffset(24)] public ulong Address;
}
