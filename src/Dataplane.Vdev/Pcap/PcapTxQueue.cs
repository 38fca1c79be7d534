using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// Sends into a capture file: copies each packet as a record into the ring of the sink, so that buffers go back to
/// their pool at once, however slow the disk is.
/// </summary>
/// <remarks>
/// A program that forwards drops what is not sent, which would leave holes in the capture. So a full ring is waited
/// for, as long as the disk makes progress and not longer than <see cref="CaptureSinkOptions.Patience"/>; if the disk
/// then stands still, later bursts do not wait again.
/// </remarks>
internal sealed unsafe class PcapTxQueue(TxQueueContext context, CaptureSink sink, CaptureSinkOptions options)
    : TxQueue(context)
{
    private readonly ByteRing _ring = sink.Ring;
    private readonly TimestampUnit _unit = options.Unit;
    private readonly int _snapLength = options.SnapLength;
    private readonly long _patience = (long)options.Patience.TotalMilliseconds;
    private CaptureClock _clock = new();

    // Where the writer stood when it was given up; null while it is trusted.
    private uint? _stuckAt;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (sink.HasFailed)
            return 0;
        ByteRing ring = _ring;
        uint position = ring.Head, room = ring.RoomAt(position);
        var timestamp = new PcapTimestamp(_unit, _clock.Read());
        int sent = 0;
        ulong bytes = 0;
        foreach (Packet packet in burst)
        {
            Mbuf* mbuf = packet.Mbuf;
            int length = packet.Length, captured = Math.Min(length, _snapLength);
            uint size = PcapRecordHeader.Size + (uint)captured;
            if (size > room && !TryWaitForRoom(position, size, out room))
                break;

            var header = new PcapRecordHeader(timestamp, captured, length);
            position = ring.Write(position, &header, PcapRecordHeader.Size);
            position = mbuf->SegmentCount == 1
                ? ring.Write(position, packet.DataPointer, captured)
                : WriteSegments(position, mbuf, captured);
            room -= size;
            bytes += (uint)length;
            sent++;
        }

        ring.Publish(position);
        Counters->Packets += (uint)sent;
        Counters->Bytes += bytes;
        Packet.Free(burst[..sent]);
        return sent;
    }

    private uint WriteSegments(uint position, Mbuf* segment, int left)
    {
        for (; left > 0; segment = segment->Next)
        {
            int length = Math.Min(left, segment->DataLength);
            position = _ring.Write(position, new Packet(segment).DataPointer, length);
            left -= length;
        }

        return position;
    }

    private bool TryWaitForRoom(uint position, uint size, out uint room)
    {
        _ring.Publish(position);
        room = _ring.RoomAt(position);
        if (size <= room)
        {
            _stuckAt = null;
            return true;
        }

        if (_stuckAt == _ring.Taken)
            return false;
        _stuckAt = null;
        var spin = default(SpinWait);
        for (long start = Environment.TickCount64; !sink.HasFailed && Environment.TickCount64 - start < _patience;)
        {
            // Yields the CPU, which may be the one that the writer needs.
            spin.SpinOnce(sleep1Threshold: -1);
            room = _ring.RoomAt(position);
            if (size <= room)
                return true;
        }

        _stuckAt = _ring.Taken;
        return false;
    }
}
