using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>Copies a packet from its start on, a buffer of the guest at a time.</summary>
internal unsafe struct PacketReader(Mbuf* mbuf)
{
    private Mbuf* _segment = mbuf;
    private uint _offset;

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
        for (int i = 0; i < count; i++)
        {
            for (uint offset = i == 0 ? start : 0; offset < pieces[i].Length && Left != 0;)
            {
                uint part = Math.Min(Math.Min(pieces[i].Length - offset, _segment->DataLength - _offset), Left);
                Unsafe.CopyBlockUnaligned(pieces[i].Data + offset, _segment->Buffer + _segment->DataOffset + _offset, part);
                offset += part;
                end += part;
                Advance(part);
            }
        }

        return end;
    }

    private void Advance(uint length)
    {
        Left -= length;
        _offset += length;
        if (_offset != _segment->DataLength)
            return;
        _offset = 0;
        _segment = _segment->Next;
        if (_segment == null)
            Left = 0;
    }
}
