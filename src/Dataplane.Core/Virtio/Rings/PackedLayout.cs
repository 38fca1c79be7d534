using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Linux;

namespace Dataplane.Virtio;

/// <summary>A descriptor of a packed queue (virtio 1.2, section 2.8.13).</summary>
[KernelStruct("struct vring_packed_desc", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal unsafe struct PackedDescriptor
{
    public const int Length = 16;

    [KernelField("addr")]
    [FieldOffset(0)] public ulong Address;

    [KernelField("len")]
    [FieldOffset(8)] public uint BufferLength;

    [FieldOffset(12)] public ushort Id;

    [FieldOffset(14)] public DescriptorFlags Flags;

    /// <summary>
    /// The three fields behind the address, as one word: written and read at once, the flags are never seen without the others.
    /// </summary>
    public static ref ulong Rest(PackedDescriptor* descriptor) => ref *(ulong*)&descriptor->BufferLength;

    /// <summary>The three fields as one word.</summary>
    public static ulong RestOf(uint length, ushort id, DescriptorFlags flags) =>
        length | ((ulong)id << 32) | ((ulong)flags << 48);

    /// <summary>The same with another id.</summary>
    public static ulong WithId(ulong rest, ushort id) => (rest & ~((ulong)ushort.MaxValue << 32)) | ((ulong)id << 32);

    /// <summary>Whether the driver has made a descriptor available that the device has not used yet (section 2.8.1).</summary>
    /// <param name="rest">Its three fields as one word.</param>
    /// <param name="wrap">The device's wrap counter there.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAvailable(ulong rest, bool wrap)
    {
        const ulong Both = (ulong)(DescriptorFlags.Available | DescriptorFlags.Used) << 48;
        return (rest & Both) == (ulong)(wrap ? DescriptorFlags.Available : DescriptorFlags.Used) << 48;
    }
}

/// <summary>When one side wants to be notified by the other (section 2.8.14).</summary>
[KernelStruct("struct vring_packed_desc_event", "linux/virtio_ring.h")]
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal unsafe struct EventSuppression
{
    public const int Length = 4;

    /// <summary>RING_EVENT_FLAGS_ENABLE: always.</summary>
    [KernelConstant("linux/virtio_ring.h", Name = "VRING_PACKED_EVENT_FLAG_ENABLE")]
    public const ushort Enable = 0;

    /// <summary>RING_EVENT_FLAGS_DISABLE: never.</summary>
    [KernelConstant("linux/virtio_ring.h", Name = "VRING_PACKED_EVENT_FLAG_DISABLE")]
    public const ushort Disable = 1;

    /// <summary>RING_EVENT_FLAGS_DESC: at a descriptor; with an event index only.</summary>
    [KernelConstant("linux/virtio_ring.h", Name = "VRING_PACKED_EVENT_FLAG_DESC")]
    public const ushort AtDescriptor = 2;

    /// <summary>The wrap counter in <see cref="OffsetWrap"/>.</summary>
    public const ushort WrapBit = 1 << 15;

    [KernelField("off_wrap")]
    [FieldOffset(0)] public ushort OffsetWrap;

    [FieldOffset(2)] public ushort Flags;

    /// <summary>A place in a ring with the wrap counter there, as <see cref="OffsetWrap"/> has it.</summary>
    public static uint Place(uint offset, bool wrap) => offset | (wrap ? WrapBit : 0u);

    /// <summary>Both fields, for one store or load.</summary>
    public static ref uint Both(EventSuppression* suppression) => ref *(uint*)suppression;

    /// <summary>Whether the descriptor at which the other side wants to know is among those just written (section 2.8.14).</summary>
    /// <param name="offsetWrap">Where it wants to know; any number.</param>
    /// <param name="next">Where the next descriptor will be written.</param>
    /// <param name="wrap">The wrap counter there.</param>
    /// <param name="size">Descriptors of the ring.</param>
    /// <param name="written">Descriptors that were just written, before that.</param>
    public static bool HasPassed(ushort offsetWrap, uint next, bool wrap, uint size, uint written)
    {
        uint position = offsetWrap & ~(uint)WrapBit;
        bool isThisRound = ((offsetWrap & WrapBit) != 0) == wrap;
        uint behind = (isThisRound ? next : next + size) - position - 1;
        return behind < written;
    }
}
