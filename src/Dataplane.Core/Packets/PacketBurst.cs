using System.Runtime.CompilerServices;

namespace Dataplane.Packets;

/// <summary>What is done to all packets of a burst.</summary>
public static unsafe class PacketBurst
{
    /// <summary>Bytes of all packets together, without FCS.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong TotalLength(ReadOnlySpan<Packet> burst)
    {
        ulong bytes = 0;
        foreach (Packet packet in burst)
            bytes += packet.Mbuf->PacketLength;
        return bytes;
    }
}
