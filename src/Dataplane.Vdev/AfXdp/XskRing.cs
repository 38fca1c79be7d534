using Dataplane.Linux;

namespace Dataplane.Vdev.AfXdp;

/// <summary>A ring that a socket shares with the kernel, mapped. Each side writes one of the two indices.</summary>
/// <remarks>
/// Barriers, the same for all four rings; the kernel has the other halves (net/xdp/xsk_queue.h):
/// <list type="table">
/// <listheader><term>Where</term><description>x86-64; arm64</description></listheader>
/// <item><term>index of the kernel, before entries that it guards</term><description>acquire: mov; ldar</description></item>
/// <item><term>own index, behind entries that were read or written</term><description>release: mov; stlr</description></item>
/// <item><term>zero-copy: own index of the transmit ring, then whether to wake the driver</term><description>full fence:
/// lock or; dmb ish. Without it the driver could look last and sleep, and nobody would wake it.</description></item>
/// </list>
/// </remarks>
internal unsafe struct XskRing
{
    /// <summary>Index of the next entry to fill in, counting on; the producer's.</summary>
    public uint* Producer;

    /// <summary>Index of the next entry to take; the consumer's.</summary>
    public uint* Consumer;

    /// <summary>XDP_RING_NEED_WAKEUP or nothing; the kernel's.</summary>
    public uint* Flags;

    /// <summary>Frames: <see cref="XdpDesc"/>; buffers: addresses of 8 bytes.</summary>
    public void* Entries;

    /// <summary>Entries, a power of two.</summary>
    public uint Size;
}
