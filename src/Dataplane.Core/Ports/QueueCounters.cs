using System.Runtime.InteropServices;
using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>
/// What one queue has counted since its port was made. The lcore of the queue writes it with plain adds, anybody reads
/// it; it has its cache lines to itself, so neither disturbs another queue.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = AlignedMemory.Alignment)]
public struct QueueCounters
{
    /// <summary>Packets received or sent.</summary>
    [FieldOffset(0)] public ulong Packets;

    /// <summary>Bytes of those packets, without FCS.</summary>
    [FieldOffset(8)] public ulong Bytes;

    /// <summary>Packets that were broken on receipt, or refused by the device on sending.</summary>
    [FieldOffset(16)] public ulong Errors;

    /// <summary>Rx: packets lost because the queue was full.</summary>
    [FieldOffset(24)] public ulong Missed;

    /// <summary>Rx: times that the mempool had no buffer.</summary>
    [FieldOffset(32)] public ulong NoMbuf;
}
