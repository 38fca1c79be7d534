using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// Where the parts of a ring are. The protocol does not say: memif.h puts head, tail and descriptors on cache lines of
/// their own, whose size is that of the machine it was compiled for. libmemif and VPP have 64 bytes, DPDK has 128 on
/// arm64 unless it was built for a CPU with 64.
/// </summary>
/// <param name="LineSize">64 or 128.</param>
internal readonly record struct MemifRingLayout(int LineSize)
{
    /// <summary>Bytes of a descriptor (memif_desc_t).</summary>
    public const int DescriptorLength = 16;

    public static readonly MemifRingLayout Lines64 = new(64), Lines128 = new(128);

    public int TailOffset => LineSize;

    public int DescriptorsOffset => 2 * LineSize;

    /// <summary>Bytes of a ring.</summary>
    public int LengthOf(int log2RingSize) => DescriptorsOffset + (DescriptorLength << log2RingSize);

    /// <summary>The layout of the other kind of machine.</summary>
    public MemifRingLayout Other => this == Lines64 ? Lines128 : Lines64;

    public override string ToString() => $"{LineSize}-byte lines";
}

/// <summary>A ring in shared memory. Whoever receives from it owns <see cref="Flags"/>.</summary>
/// <remarks>
/// C2S: the client moves <see cref="Head"/> over frames, the server <see cref="Tail"/> over frames that it has read.
/// S2C: the client moves <see cref="Head"/> over empty buffers, the server <see cref="Tail"/> over those that it has filled.
/// Both run freely and are taken modulo the size. Barriers, and why (x86-64 | Arm):
/// <code>
/// descriptors and data written -> own index         release: the peer sees them before it            (none | stlrh)
/// peer's index read            -> descriptors read  acquire: what it had written before              (none | ldarh)
/// own index                    -> flags read        full: either the peer sees the index when it looks
///                                                   behind unmasking, or it is seen unmasked here; but
///                                                   none while it has only ever polled: the fence would
///                                                   wait until every copied line is back. Whether it
///                                                   begins to sleep is looked at every 100 ms then    (lock or | dmb ish)
/// flags unmasked               -> index read        full, the other half of it                       (lock or | dmb ish)
/// </code>
/// </remarks>
internal readonly unsafe struct MemifRing
{
    public readonly uint* Cookie;
    public readonly ushort* Flags;
    public readonly ushort* Head;
    public readonly ushort* Tail;
    public readonly byte* Descriptors;

    /// <summary>Descriptors; a power of two.</summary>
    public readonly int Size;

    /// <param name="start">At a multiple of 16.</param>
    /// <param name="layout">As the client made it.</param>
    /// <param name="log2RingSize">As the client made it.</param>
    public MemifRing(byte* start, MemifRingLayout layout, int log2RingSize)
    {
        Cookie = (uint*)start;
        Flags = (ushort*)(start + 4);
        Head = (ushort*)(start + 6);
        Tail = (ushort*)(start + layout.TailOffset);
        Descriptors = start + layout.DescriptorsOffset;
        Size = 1 << log2RingSize;
    }

    /// <summary>Whether the receiver asks to be woken.</summary>
    public bool IsSleeping
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (Volatile.Read(ref *Flags) & MemifNumbers.MaskInterrupt) == 0;
    }

    /// <summary>The receiver does not want to be woken, or may be asleep.</summary>
    public void SetMasked(bool isMasked) => *Flags = isMasked ? MemifNumbers.MaskInterrupt : (ushort)0;

    /// <summary>Asks to be woken.</summary>
    /// <param name="produced">The index that the sender moves over frames.</param>
    /// <param name="next">Where the receiver is.</param>
    /// <returns>False if there are frames already, for which no wake-up may come.</returns>
    public bool TryUnmask(ushort* produced, ushort next)
    {
        Volatile.Write(ref *Flags, (ushort)0);
        Interlocked.MemoryBarrier();
        return Volatile.Read(ref *produced) == next;
    }
}

/// <summary>A descriptor (memif_desc_t), written as a whole. It is read in two words, each once: see <see cref="MemifFrame"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = MemifRingLayout.DescriptorLength)]
internal struct MemifDescriptor
{
    [FieldOffset(0)] public ushort Flags;
    [FieldOffset(2)] public ushort Region;
    [FieldOffset(4)] public uint Length;
    [FieldOffset(8)] public uint Offset;
    [FieldOffset(12)] public uint Metadata;
}
