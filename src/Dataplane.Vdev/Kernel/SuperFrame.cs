using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Kernel;

/// <summary>
/// A frame from the kernel that does not go into one buffer: longer than it, or uncut (GSO). It is held here and given
/// out as frames that any port can send: cut to segments, with checksums, in chained buffers.
/// </summary>
internal sealed unsafe class SuperFrame : IDisposable
{
    /// <summary>Most bytes of an IP packet, behind an Ethernet header and two VLAN tags.</summary>
    public const int MaxLength = 65535 + 14 + 8;

    private const int AddressesLength = 2 * MacAddress.Length;

    // One read brings the virtio header and the frame; a tag that is put back moves the start of the frame over it.
    private const int FrameOffset = 64;

    private readonly AlignedMemory _memory = new(FrameOffset + MaxLength);
    private SegmentHeaders _headers;
    private byte* _frame;
    private int _length;
    private int _segmentPayload;
    private int _position;
    private int _index;

    /// <summary>Where a read from a socket with virtio headers goes.</summary>
    public byte* ReceiveBuffer => _memory.Address + FrameOffset - sizeof(VirtioNetHdr);

    /// <summary>Bytes that fit there.</summary>
    public static int ReceiveCapacity => sizeof(VirtioNetHdr) + MaxLength;

    /// <summary>Whether segments are left.</summary>
    public bool HasMore => _position < _length;

    /// <summary>Takes what lies in <see cref="ReceiveBuffer"/>.</summary>
    /// <param name="length">Bytes of virtio header and frame.</param>
    /// <param name="tag">The VLAN tag that the kernel took out, TPID in the upper half; 0 for none.</param>
    /// <returns>False if it cannot be cut, and is forgotten.</returns>
    public bool TryBegin(int length, uint tag)
    {
        VirtioNetHdr offload = *(VirtioNetHdr*)ReceiveBuffer;
        _frame = _memory.Address + FrameOffset;
        _length = length - sizeof(VirtioNetHdr);
        _position = 0;
        _index = 0;
        int start = offload.CsumStart;
        if (tag != 0)
        {
            InsertTag(tag);
            start += VlanTag.Length;
        }

        if (_length >= AddressesLength && TryPlan(offload, start))
            return true;
        _position = _length;
        return false;
    }

    /// <summary>Gives out segments.</summary>
    /// <param name="burst">Where they go.</param>
    /// <param name="pool">Where buffers come from.</param>
    /// <param name="rearm"><see cref="Mbuf.RearmValue"/> of the queue.</param>
    /// <param name="counters">Of the queue.</param>
    /// <returns>How many there are; the rest follows the next time.</returns>
    public int Take(Span<Packet> burst, Mempool pool, ulong rearm, QueueCounters* counters)
    {
        int count = 0;
        while (count < burst.Length && HasMore)
        {
            int payload = Math.Min(_segmentPayload, _length - _position);
            if (!ChainedPacket.TryAllocate(pool, rearm, _headers.Length + payload, out burst[count]))
            {
                counters->NoMbuf++;
                break;
            }

            WriteSegment(burst[count], payload);
            counters->Packets++;
            counters->Bytes += (uint)(_headers.Length + payload);
            count++;
        }

        return count;
    }

    /// <summary>Forgets what is left.</summary>
    public void Clear() => _position = _length;

    public void Dispose() => _memory.Dispose();

    private bool TryPlan(in VirtioNetHdr offload, int start)
    {
        if (offload.GsoType != VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE)
        {
            _segmentPayload = offload.GsoSize;
            bool cut = _segmentPayload != 0 && _headers.TryParse(_frame, _length, start, offload.GsoType);
            _position = _headers.Length;
            return cut;
        }

        _headers = default;
        _segmentPayload = _length;
        return (offload.Flags & VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0
            || ChecksumCompletion.TryComplete(_frame, _length, start, offload.CsumOffset);
    }

    private void WriteSegment(Packet packet, int payload)
    {
        byte* data = _frame + _position;
        bool isLast = _position + payload == _length;
        if (_headers.Length != 0)
            _headers.Rewrite(data, payload, _position - _headers.Length, _index, isLast);
        var writer = new ChainWriter(packet);
        writer.Append(_frame, _headers.Length);
        writer.Append(data, payload);
        _position += payload;
        _index++;
    }

    private void InsertTag(uint tag)
    {
        byte* start = _frame - VlanTag.Length;
        Buffer.MemoryCopy(_frame, start, AddressesLength, AddressesLength);
        VlanTag.Write(start + AddressesLength, tag);
        _frame = start;
        _length += VlanTag.Length;
    }
}
