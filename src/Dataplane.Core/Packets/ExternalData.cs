using System.Runtime.CompilerServices;

namespace Dataplane.Packets;

/// <summary>Data of another owner that a packet refers to: how it is given back, and how it gets to where devices reach it.</summary>
internal static unsafe class ExternalData
{
    /// <summary>
    /// Makes sure that a device reaches all of a packet: data that only CPUs reach (<see cref="Mbuf.NoIova"/>) is copied into
    /// the buffer of its own segment and given back at once. Queues call it where they see <see cref="MbufFlags.External"/>
    /// or more than one segment.
    /// </summary>
    /// <param name="packet">The first segment. What has been copied stays so, also if the packet is not sent now.</param>
    /// <returns>False if a segment is longer than the data room of its buffer: the packet cannot be sent.</returns>
    public static bool BringHome(Mbuf* packet)
    {
        for (Mbuf* segment = packet; segment != null; segment = segment->Next)
        {
            if ((segment->Flags & MbufFlags.External) != 0 && segment->BufferIova == Mbuf.NoIova && !TryCopy(segment))
                return false;
        }

        return true;
    }

    /// <summary>Gives the data of a segment back to its owner; the segment has its own buffer again, whose data is undefined.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Release(Mbuf* segment)
    {
        segment->ExternalOwner->Release(segment->ExternalOwner, segment->ExternalCookie);
        segment->ExternalOwner = null;
        segment->Flags &= ~MbufFlags.External;
        segment->Buffer = Mbuf.OwnBuffer(segment);
        segment->BufferIova = segment->OwnIova;
        segment->BufferLength = segment->Pool->BufferLength;
    }

    private static bool TryCopy(Mbuf* segment)
    {
        int length = segment->DataLength;
        if (length > segment->Pool->BufferLength - Mbuf.DefaultHeadroom)
            return false;
        byte* home = Mbuf.OwnBuffer(segment) + Mbuf.DefaultHeadroom;
        Unsafe.CopyBlockUnaligned(home, segment->Buffer + segment->DataOffset, (uint)length);
        Release(segment);
        segment->DataOffset = Mbuf.DefaultHeadroom;
        return true;
    }
}
