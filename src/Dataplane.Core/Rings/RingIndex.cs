using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Rings;

/// <summary>
/// An index that one side of a ring writes, with what only that side uses beside it, alone on its cache lines
/// (128 bytes: Arm servers prefetch and fetch lines in pairs, as Intel's do).
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = AlignedMemory.Alignment)]
internal struct RingIndex
{
    /// <summary>What has been claimed (multi-producer rings only); runs freely through 32 bits.</summary>
    [FieldOffset(0)] public uint Claimed;

    /// <summary>What the other side may see; runs freely through 32 bits.</summary>
    [FieldOffset(4)] public uint Published;

    /// <summary>The other side's published index as last seen (single-producer rings only), so that its line is read only when needed.</summary>
    [FieldOffset(8)] public uint OtherSeen;
}
