using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Linux;

namespace Dataplane.Virtio;

/// <summary>What stands before every frame in a buffer, in either direction (struct virtio_net_hdr, virtio 1.2, section 5.1.6).</summary>
[KernelStruct("struct virtio_net_hdr_v1", "linux/virtio_net.h")]
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal unsafe struct VirtioNetHeader
{
    /// <summary>Bytes, with VIRTIO_F_VERSION_1; <see cref="NumBuffers"/> is always there then.</summary>
    public const int Length = 12;

    /// <summary>VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum at <see cref="ChecksumStart"/> is to be finished.</summary>
    [KernelConstant("linux/virtio_net.h", Name = "VIRTIO_NET_HDR_F_NEEDS_CSUM")]
    public const byte NeedsChecksum = 1;

    /// <summary>VIRTIO_NET_HDR_F_DATA_VALID: the device has found the checksum right.</summary>
    [KernelConstant("linux/virtio_net.h", Name = "VIRTIO_NET_HDR_F_DATA_VALID")]
    public const byte DataValid = 2;

    [FieldOffset(0)] public byte Flags;

    [FieldOffset(1)] public byte GsoType;

    [KernelField("hdr_len")]
    [FieldOffset(2)] public ushort HeaderLength;

    [FieldOffset(4)] public ushort GsoSize;

    /// <summary>Where the bytes start that the checksum is of.</summary>
    [KernelField("csum_start")]
    [FieldOffset(6)] public ushort ChecksumStart;

    /// <summary>Where the checksum stands, counted from there.</summary>
    [KernelField("csum_offset")]
    [FieldOffset(8)] public ushort ChecksumOffset;

    /// <summary>Buffers that a received frame spans; 0 in what is sent.</summary>
    [FieldOffset(10)] public ushort NumBuffers;

    /// <summary>Asks for nothing. Written only where it is not zero already: the line may be shared with the device.</summary>
    /// <param name="header">The header.</param>
    /// <param name="leavesNumBuffers">
    /// Whether <see cref="NumBuffers"/> may be what it was when the frame was received: it should be zero (section 5.1.6.2.1),
    /// but back ends of vhost-user do not look at it. It is 1 again in the next frame that comes here, so that, left alone,
    /// the line stays with both sides. DPDK's front end leaves it, too.
    /// </param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Clear(byte* header, bool leavesNumBuffers = false)
    {
        uint last = Unsafe.ReadUnaligned<uint>(header + 8);
        if ((Unsafe.ReadUnaligned<ulong>(header) | (leavesNumBuffers ? (ushort)last : last)) == 0)
            return;
        Unsafe.WriteUnaligned(header, 0UL);
        Unsafe.WriteUnaligned(header + 8, 0u);
    }
}
