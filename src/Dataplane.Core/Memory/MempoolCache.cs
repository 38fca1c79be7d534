using System.Runtime.InteropServices;
using Dataplane.Packets;

namespace Dataplane.Memory;

/// <summary>The buffers that one lcore keeps for itself: a stack, so that the buffer freed last, still in its caches, is used next.</summary>
[StructLayout(LayoutKind.Explicit, Size = HeaderSize)]
internal unsafe struct MempoolCache
{
    /// <summary>The counters fill a line pair of their own; the stack follows.</summary>
    public const int HeaderSize = 128;

    [FieldOffset(0)] public int Length;
    [FieldOffset(8)] public ulong Gets;
    [FieldOffset(16)] public ulong Puts;
    [FieldOffset(24)] public ulong RingGets;
    [FieldOffset(32)] public ulong RingPuts;
    [FieldOffset(40)] public ulong Failures;

    public static Packet* Slots(MempoolCache* cache) => (Packet*)((byte*)cache + HeaderSize);
}
