namespace Dataplane.Linux;

/// <summary>AF_XDP sockets: linux/if_xdp.h, Documentation/networking/af_xdp.rst.</summary>
[KernelConstants("linux/if_xdp.h")]
internal static class XdpSocket
{
    public const int XDP_MMAP_OFFSETS = 1;
    public const int XDP_RX_RING = 2;
    public const int XDP_TX_RING = 3;
    public const int XDP_UMEM_REG = 4;
    public const int XDP_UMEM_FILL_RING = 5;
    public const int XDP_UMEM_COMPLETION_RING = 6;
    public const int XDP_STATISTICS = 7;
    public const int XDP_OPTIONS = 8;

    public const ushort XDP_SHARED_UMEM = 1 << 0;
    public const ushort XDP_COPY = 1 << 1;
    public const ushort XDP_ZEROCOPY = 1 << 2;
    public const ushort XDP_USE_NEED_WAKEUP = 1 << 3;

    public const uint XDP_UMEM_UNALIGNED_CHUNK_FLAG = 1 << 0;
    public const uint XDP_OPTIONS_ZEROCOPY = 1 << 0;
    public const uint XDP_RING_NEED_WAKEUP = 1 << 0;

    public const long XDP_PGOFF_RX_RING = 0;
    public const long XDP_PGOFF_TX_RING = 0x80000000;
    public const long XDP_UMEM_PGOFF_FILL_RING = 0x100000000;
    public const long XDP_UMEM_PGOFF_COMPLETION_RING = 0x180000000;

    /// <summary>In an address of the memory stands the start of the chunk, and from this bit on where in it the data is.</summary>
    public const int XSK_UNALIGNED_BUF_OFFSET_SHIFT = 48;
    public const ulong XSK_UNALIGNED_BUF_ADDR_MASK = (1UL << XSK_UNALIGNED_BUF_OFFSET_SHIFT) - 1;
}

/// <summary>The address of a queue of an interface.</summary>
[KernelStruct("struct sockaddr_xdp", "linux/if_xdp.h")]
internal struct SockaddrXdp
{
    public ushort SxdpFamily;
    public ushort SxdpFlags;
    public uint SxdpIfindex;
    public uint SxdpQueueId;
    public uint SxdpSharedUmemFd;
}

/// <summary>Where the parts of a mapped ring stand. Kernels before 5.4 have no flags and a shorter struct.</summary>
[KernelStruct("struct xdp_ring_offset", "linux/if_xdp.h")]
internal struct XdpRingOffset
{
    public ulong Producer;
    public ulong Consumer;
    public ulong Desc;
    public ulong Flags;
}

/// <summary>Where the parts of all rings of a socket stand.</summary>
[KernelStruct("struct xdp_mmap_offsets", "linux/if_xdp.h")]
internal struct XdpMmapOffsets
{
    public XdpRingOffset Rx;
    public XdpRingOffset Tx;
    [KernelField("fr")] public XdpRingOffset Fill;
    [KernelField("cr")] public XdpRingOffset Completion;
}

/// <summary>The memory that frames lie in. Newer kernels use the padding for the length of metadata.</summary>
[KernelStruct("struct xdp_umem_reg", "linux/if_xdp.h")]
internal struct XdpUmemReg
{
    public ulong Addr;
    public ulong Len;
    public uint ChunkSize;
    public uint Headroom;
    public uint Flags;
    public uint _padding;
}

/// <summary>What the kernel dropped. Kernels before 5.9 fill the first half, and count full rings as dropped.</summary>
[KernelStruct("struct xdp_statistics", "linux/if_xdp.h")]
internal struct XdpStatistics
{
    public ulong RxDropped;
    public ulong RxInvalidDescs;
    public ulong TxInvalidDescs;
    public ulong RxRingFull;
    public ulong RxFillRingEmptyDescs;
    public ulong TxRingEmptyDescs;
}

/// <summary>How a socket is bound.</summary>
[KernelStruct("struct xdp_options", "linux/if_xdp.h")]
internal struct XdpOptions
{
    public uint Flags;
}

/// <summary>An entry of the rings with frames.</summary>
[KernelStruct("struct xdp_desc", "linux/if_xdp.h")]
internal struct XdpDesc
{
    public ulong Addr;
    public uint Len;
    public uint Options;
}
