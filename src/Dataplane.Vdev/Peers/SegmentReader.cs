using System.Runtime.CompilerServices;
using Dataplane.Packets;

namespace Dataplane.Vdev.Peers;

/// <summary>Reads the bytes of a packet one after the other, over all of its segments.</summary>
internal unsafe struct SegmentReader(Mbuf* first)
{
    private Mbuf* _segment = first;
    private uint _offset;

    /// <summary>Copies the next bytes; the packet has as many.</summary>
    public void CopyTo(byte* destination, uint length)
    {
        while (length != 0)
        {
            uint count = Math.Min(_segment->DataLength - _offset, length);
            Unsafe.CopyBlockUnaligned(destination, _segment->Buffer + _segment->DataOffset + _offset, count);
            destination += count;
            length -= count;
            _offset += count;
            if (_offset == _segment->DataLength)
            {
                _segment = _segment->Next;
                _offset = 0;
            }
        }
    }
}
