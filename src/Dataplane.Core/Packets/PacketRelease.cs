using System.Runtime.CompilerServices;
using Dataplane.Memory;

namespace Dataplane.Packets;

/// <summary>How packets go back to their pools: a burst of one pool and without chains at once, everything else segment by segment.</summary>
internal static unsafe class PacketRelease
{
    /// <summary>Segments that are given back in one go.</summary>
    private const int Batch = 32;

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
                FreeSegments(packets);
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

    /// <summary>Gives all segments back, those in a row of one pool at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FreeSegments(ReadOnlySpan<Packet> packets)
    {
        Packet* batch = stackalloc Packet[Batch];
        int count = 0;
        MempoolHeader* pool = packets[0].Mbuf->Pool;
        foreach (Packet packet in packets)
        {
            for (Mbuf* segment = packet.Mbuf; segment != null;)
            {
                Mbuf* next = segment->Next;
                if (segment->Pool != pool || count == Batch)
                {
                    pool->Put(new ReadOnlySpan<Packet>(batch, count));
                    pool = segment->Pool;
                    count = 0;
                }

                Reset(segment);
                batch[count++] = new Packet(segment);
                segment = next;
            }
        }

        pool->Put(new ReadOnlySpan<Packet>(batch, count));
    }

    /// <summary>Brings a segment into the state that a buffer in a pool has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reset(Mbuf* segment)
    {
        segment->Next = null;
        segment->SegmentCount = 1;
        if ((segment->Flags & MbufFlags.External) != 0)
            ExternalData.Release(segment);
    }
}
