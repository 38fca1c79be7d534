using Dataplane.Packets;

namespace Dataplane.Virtio;

/// <summary>A received frame of which buffers are still to come; or, if one of them was wrong, what is still to be thrown away.</summary>
internal unsafe struct PartialPacket
{
    private Mbuf* _first;
    private Mbuf* _last;

    /// <summary>Buffers that are still to come.</summary>
    public int Missing { get; private set; }

    /// <summary>Starts with a frame's first buffer, set up as a received packet.</summary>
    public void Begin(Mbuf* mbuf, int buffers)
    {
        _first = _last = mbuf;
        Missing = buffers - 1;
    }

    /// <summary>Takes the next buffer.</summary>
    /// <param name="mbuf">A buffer fresh from its pool.</param>
    /// <param name="length">Bytes of it; 0 if it is wrong, which spoils the frame.</param>
    /// <param name="rearm">Of the queue.</param>
    /// <param name="offset">Where its bytes start.</param>
    public void Append(Mbuf* mbuf, uint length, ulong rearm, int offset)
    {
        Missing--;
        if (length == 0 || _first == null)
        {
            new Packet(mbuf).Free();
            FreeChain();
            return;
        }

        Mbuf.SetReceived(mbuf, rearm, (int)length);
        mbuf->DataOffset = (ushort)offset;
        _last->Next = mbuf;
        _last = mbuf;
        _first->SegmentCount++;
        _first->PacketLength += length;
    }

    /// <summary>The frame, when nothing is missing; null if it was spoilt.</summary>
    public Mbuf* Take()
    {
        Mbuf* first = _first;
        _first = null;
        return first;
    }

    /// <summary>Throws away what there is.</summary>
    public void Drop()
    {
        FreeChain();
        Missing = 0;
    }

    private void FreeChain()
    {
        if (_first != null)
            new Packet(_first).Free();
        _first = null;
    }
}
