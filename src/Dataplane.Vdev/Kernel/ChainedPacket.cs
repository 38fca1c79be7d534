using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vdev.Kernel;

/// <summary>Frames that need more than one buffer.</summary>
internal static unsafe class ChainedPacket
{
    /// <summary>Takes as many buffers as a frame needs and chains them; their data is undefined.</summary>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="rearm"><see cref="Mbuf.RearmValue"/> of the queue.</param>
    /// <param name="length">Bytes of the frame.</param>
    /// <param name="packet">The frame.</param>
    /// <returns>False, and nothing taken, if the pool has too few.</returns>
    public static bool TryAllocate(Mempool pool, ulong rearm, int length, out Packet packet)
    {
        int room = pool.DataRoom;
        packet = default;
        Mbuf* first = null;
        Mbuf* last = null;
        for (int left = length; first == null || left > 0; left -= room)
        {
            if (!pool.TryAllocateRaw(new Span<Packet>(ref packet)))
            {
                if (first != null)
                    new Packet(first).Free();
                return false;
            }

            Mbuf* segment = packet.Mbuf;
            Mbuf.SetReceived(segment, rearm, Math.Min(left, room));
            if (first == null)
                first = segment;
            else
            {
                last->Next = segment;
                first->SegmentCount++;
            }

            last = segment;
        }

        first->PacketLength = (uint)length;
        packet = new Packet(first);
        return true;
    }

    /// <summary>Copies a whole packet to memory that has room for it.</summary>
    public static void CopyTo(Mbuf* mbuf, byte* destination)
    {
        for (; mbuf != null; mbuf = mbuf->Next)
        {
            Buffer.MemoryCopy(mbuf->Buffer + mbuf->DataOffset, destination, mbuf->DataLength, mbuf->DataLength);
            destination += mbuf->DataLength;
        }
    }
}

/// <summary>Writes into a chained packet from its start on; never beyond its end.</summary>
internal unsafe struct ChainWriter(Packet packet)
{
    private Mbuf* _segment = packet.Mbuf;
    private int _offset;

    public void Append(byte* data, int length)
    {
        while (length > 0)
        {
            int room = _segment->DataLength - _offset;
            int count = Math.Min(room, length);
            Buffer.MemoryCopy(data, _segment->Buffer + _segment->DataOffset + _offset, room, count);
            data += count;
            length -= count;
            _offset += count;
            if (count == room && _segment->Next != null)
            {
                _segment = _segment->Next;
                _offset = 0;
            }
            else if (count == room && length > 0)
                throw new ArgumentException("The packet is shorter than what is written into it.", nameof(length));
        }
    }
}
