using Dataplane.Packets;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>Copies a packet from its start on, a buffer of the guest at a time.</summary>
internal unsafe struct PacketReader(Mbuf* mbuf)
{
    private SegmentReader _segments = new(mbuf);

    /// <summary>Bytes that were not copied yet.</summary>
    public uint Left { get; private set; } = mbuf->PacketLength;

    /// <summary>Fills a buffer as far as the packet goes.</summary>
    /// <param name="pieces">Of the buffer.</param>
    /// <param name="count">How many.</param>
    /// <param name="start">Bytes of the first one that are left out.</param>
    /// <returns>Bytes from the buffer's start to the end of what was copied.</returns>
    public uint CopyTo(DevicePiece* pieces, int count, uint start)
    {
        uint end = start;
        for (int i = 0; i < count && Left != 0; i++)
        {
            uint offset = i == 0 ? start : 0;
            uint part = Math.Min(pieces[i].Length - offset, Left);
            _segments.CopyTo(pieces[i].Data + offset, part);
            end += part;
            Left -= part;
        }

        return end;
    }
}
