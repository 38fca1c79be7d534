using System.Runtime.CompilerServices;
using Dataplane.Memory;

namespace Dataplane.Packets;

/// <summary>How packets go back to their pools: a burst of one pool and without chains at once, everything else one by one.</summary>
internal static unsafe class PacketRelease
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Free(ReadOnlySpan<Packet> packets)
    {
        if (packets.IsEmpty)
            return;
        MempoolHeader* pool = packets[0].Mbuf->Pool;
        MbufFlags flags = MbufFlags.None;
        foreach (Packet packet in packets)
        {
            Mbuf* mbuf = packet.Mbuf;
            if (mbuf->Pool != pool || mbuf->SegmentCount != 1)
            {
                FreeOneByOne(packets);
                return;
            }

            flags |= mbuf->Flags;
        }

        if ((flags & MbufFlags.External) != 0)
            ReleaseExternal(packets);
        pool->Put(packets);
    }

    /// <summary>Gives the external data of packets of one segment back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ReleaseExternal(ReadOnlySpan<Packet> packets)
    {
        foreach (Packet packet in packets)
        {
            if ((packet.Mbuf->Flags & MbufFlags.External) != 0)
                ExternalData.Release(packet.Mbuf);
        }
    }

    private static void FreeOneByOne(ReadOnlySpan<Packet> packets)
    {
        foreach (Packet packet in packets)
        {
            for (Mbuf* segment = packet.Mbuf; segment != null;)
            {
                Mbuf* next = segment->Next;
                Reset(segment);
                var plain = new Packet(segment);
                segment->Pool->Put(new ReadOnlySpan<Packet>(in plain));
                segment = next;
            }
        }
    }

    /// <summary>Brings a segment into the state that a buffer in a pool has.</summary>
    private static void Reset(Mbuf* segment)
    {
        segment->Next = null;
        segment->SegmentCount = 1;
        if ((segment->Flags & MbufFlags.External) != 0)
            ExternalData.Release(segment);
    }
}
