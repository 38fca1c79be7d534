using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// The buffers of a mempool as an AF_XDP socket sees them: chunks of a stretch of memory. A received frame is a packet
/// without a copy, and so is a packet of the pool that is sent.
/// </summary>
/// <remarks>
/// <code>
/// chunk:  256 bytes of the kernel (XDP_PACKET_HEADROOM)            | frame
/// buffer: mbuf header (128) | headroom (128)                       | data
/// </code>
/// With our own program nothing is ever written into the kernel's 256 bytes, so they lie over the header and the headroom
/// of the buffer and nothing is wasted. A program of somebody else's may prepend headers or metadata there: then chunks
/// start behind the header. Buffers stand at odd multiples of 64 bytes, hence XDP_UMEM_UNALIGNED_CHUNK_FLAG (Linux 5.4).
/// </remarks>
internal sealed unsafe class Umem
{
    /// <summary>XDP_UMEM_MIN_CHUNK_SIZE of net/xdp/xdp_umem.c.</summary>
    private const int SmallestChunk = 2048;

    /// <param name="device">The device of the port, for messages.</param>
    /// <param name="pool">Whose buffers; outlives every socket.</param>
    /// <param name="hasForeignProgram">Whether a program may write in front of a frame.</param>
    /// <exception cref="DataplaneException">The buffers are too small.</exception>
    public Umem(string device, Mempool pool, bool hasForeignProgram)
    {
        Pool = pool;
        ChunkOffset = hasForeignProgram ? Mbuf.HeaderSize : 0;
        int room = Mbuf.HeaderSize + pool.BufferLength - ChunkOffset;
        if (room < SmallestChunk)
        {
            throw new DataplaneException(
                $"{device} cannot use the mempool {pool.Name}: its buffers have {room} bytes, AF_XDP needs {SmallestChunk}",
                $"make the pool with a data room of at least {pool.DataRoom + SmallestChunk - room} bytes");
        }

        nuint page = (nuint)Environment.SystemPageSize;
        ChunkSize = Math.Min(room, (int)page);
        byte* end = pool.Zone.Address + pool.Zone.Length;
        Base = (byte*)((nuint)pool.Zone.Address & ~(page - 1));
        Length = ((nuint)(end - Base) + page - 1) & ~(page - 1);
    }

    /// <summary>Whose buffers they are.</summary>
    public Mempool Pool { get; }

    /// <summary>What addresses of chunks count from; at the start of a page.</summary>
    public byte* Base { get; }

    /// <summary>Bytes, in whole pages.</summary>
    public nuint Length { get; }

    /// <summary>Bytes of a chunk, at most a page.</summary>
    public int ChunkSize { get; }

    /// <summary>Where in a buffer, counted from its mbuf header, the chunk starts.</summary>
    public int ChunkOffset { get; }

    /// <summary>Bytes of the longest frame that can be received.</summary>
    public int LongestFrame => ChunkSize - Bpf.XDP_PACKET_HEADROOM;

    /// <summary>
    /// Whether a device can reach the frames: its DMA goes on from page to page only within a hugepage. A buffer that lies
    /// across the end of one is refused by the kernel and held until the queue is stopped; there is one per hugepage.
    /// </summary>
    public bool AllowsZeroCopy => Pool.Zone.Segment.PageSize > (nuint)Environment.SystemPageSize;

    /// <summary>As the kernel wants it.</summary>
    public XdpUmemReg ToRegistration() => new()
    {
        Addr = (ulong)Base,
        Len = Length,
        ChunkSize = (uint)ChunkSize,
        Flags = XdpSocket.XDP_UMEM_UNALIGNED_CHUNK_FLAG,
    };

    /// <summary>Whether another registration serves as well.</summary>
    public bool IsSameAs(Umem other) => Pool == other.Pool && ChunkOffset == other.ChunkOffset;
}
