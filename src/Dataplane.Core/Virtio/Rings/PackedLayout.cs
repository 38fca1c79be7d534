using System.Runtime.InteropServices;

namespace Dataplane.Virtio;

/// <summary>A descriptor of a packed queue (virtio 1.2, section 2.8.13).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct PackedDescriptor
{
    public const int Length = 16;

    [FieldOffset(0)] public ulong Address;
    [FieldOffset(8)] public uint BufferLength;
    [FieldOffset(12)] public ushort Id;
    [FieldOffset(14)] public DescriptorFlags Flags;

    /// <summary>The three fields behind the address: written and read at once, the flags are never seen without the others.</summary>
    [FieldOffset(8)] public ulong Rest;

    /// <summary><see cref="Rest"/> of its fields.</summary>
    public static ulong RestOf(uint length, ushort id, DescriptorFlags flags) =>
        length | ((ulong)id << 32) | ((ulong)flags << 48);
}

/// <summary>When one side wants to be notified by the other (section 2.8.14).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct EventSuppression
{
    public const int Length = 4;

    /// <summary>RING_EVENT_FLAGS_ENABLE: always.</summary>
    public const ushort Enable = 0;

    /// <summary>RING_EVENT_FLAGS_DISABLE: never.</summary>
    public const ushort Disable = 1;

    /// <summary>RING_EVENT_FLAGS_DESC: at a descriptor; with an event index only.</summary>
    public const ushort AtDescriptor = 2;

    /// <summary>The wrap counter in <see cref="OffsetWrap"/>.</summary>
    public const ushort WrapBit = 1 << 15;

    [FieldOffset(0)] public ushort OffsetWrap;
    [FieldOffset(2)] public ushort Flags;

    /// <summary>Both fields, for one store or load.</summary>
    [FieldOffset(0)] public uint Both;
}
