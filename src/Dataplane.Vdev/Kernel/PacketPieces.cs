using Dataplane.Linux;
using Dataplane.Packets;

namespace Dataplane.Vdev.Kernel;

/// <summary>The segments of a packet as system calls want them.</summary>
internal static unsafe class PacketPieces
{
    /// <summary>Most segments: a packet of 64 KiB in buffers of 1 KiB.</summary>
    public const int Max = 64;

    /// <summary>Lists the segments; returns how many there are, 0 if they are more than <see cref="Max"/>.</summary>
    public static int List(Packet packet, IoVector* pieces)
    {
        if (packet.SegmentCount > Max)
            return 0;
        int count = 0;
        for (Mbuf* mbuf = packet.Mbuf; mbuf != null; mbuf = mbuf->Next)
            pieces[count++] = new IoVector { Base = mbuf->Buffer + mbuf->DataOffset, Length = mbuf->DataLength };
        return count;
    }
}
