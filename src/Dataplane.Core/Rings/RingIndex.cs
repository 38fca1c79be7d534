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

    /// <summary>
    /// How many items are queued. The consumers' index is read first: read second, it could have passed the producers'
    /// as it was. What was queued in between may be counted too, but no more than fit.
    /// </summary>
    public static int Count(ref RingIndex producers, ref RingIndex consumers, uint capacity)
    {
        uint tail = Volatile.Read(ref consumers.Published);
        return (int)Math.Min(Volatile.Read(ref producers.Published) - tail, capacity);
    }
}
