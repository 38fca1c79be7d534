using Dataplane.Linux;
using Dataplane.Ports;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// The size of a ring as the kernel wants it: frames lie in blocks, none across two. Checked here, because the kernel
/// says EINVAL to everything.
/// </summary>
/// <param name="BlockSize">Bytes of a block; a multiple of the page size.</param>
/// <param name="FrameSize">Bytes of a frame with its header; a multiple of 16.</param>
/// <param name="FrameCount">Frames of the ring.</param>
internal sealed record RingSize(int BlockSize, int FrameSize, int FrameCount)
{
    private const int MaxFrameSize = 1 << 20;
    private const int MaxFrameCount = 1 << 18;

    /// <summary>TPACKET_ALIGNMENT of linux/if_packet.h.</summary>
    private const int Alignment = 16;

    /// <summary>DPDK's.</summary>
    public static RingSize Default => new(Environment.SystemPageSize, FrameSize: 2048, FrameCount: 512);

    public int FramesPerBlock => BlockSize / FrameSize;

    public int BlockCount => FrameCount / FramesPerBlock;

    /// <summary>Bytes of the mapped ring.</summary>
    public nuint Length => (nuint)BlockCount * (nuint)BlockSize;

    /// <summary>Where a frame starts.</summary>
    public nuint OffsetOf(int frame) =>
        ((nuint)(frame / FramesPerBlock) * (nuint)BlockSize) + ((nuint)(frame % FramesPerBlock) * (nuint)FrameSize);

    public TpacketReq ToRequest() => new()
    {
        TpBlockSize = (uint)BlockSize,
        TpBlockNr = (uint)BlockCount,
        TpFrameSize = (uint)FrameSize,
        TpFrameNr = (uint)FrameCount,
    };

    public static RingSize Read(Devargs arguments)
    {
        int page = Environment.SystemPageSize;
        var size = new RingSize(
            arguments.GetInt32("blocksz", Default.BlockSize, page, int.MaxValue),
            arguments.GetInt32("framesz", Default.FrameSize, AfPacketLayout.SmallestFrameSize, MaxFrameSize),
            arguments.GetInt32("framecnt", Default.FrameCount, 1, MaxFrameCount));
        if (size.BlockSize % page != 0)
            throw arguments.Invalid("blocksz", $"{size.BlockSize}", $"a multiple of the page size, {page} bytes");
        if (size.FrameSize % Alignment != 0)
            throw arguments.Invalid("framesz", $"{size.FrameSize}", $"a multiple of {Alignment}");
        if (size.FrameSize > size.BlockSize)
            throw arguments.Invalid("framesz", $"{size.FrameSize}", $"at most a block, blocksz={size.BlockSize}");
        int perBlock = size.FramesPerBlock;
        if (size.FrameCount % perBlock != 0)
            throw arguments.Invalid("framecnt", $"{size.FrameCount}", $"a multiple of a block's {perBlock} frames");
        return size;
    }
}
