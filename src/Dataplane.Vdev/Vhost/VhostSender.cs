using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>Sends to a receive ring of a guest, as its queue and its session handle it.</summary>
internal abstract class VhostSender : IDisposable
{
    /// <summary>Where the ring stands.</summary>
    public abstract uint Position { get; }

    /// <summary>What the guest did wrong; the ring is left alone then.</summary>
    public abstract RingViolation Violation { get; }

    /// <summary>What the guest is notified by; null if it polls. Changed by the control thread, while the gate is closed.</summary>
    public EventFd? Call { get; set; }

    /// <summary>Sends packets; see <see cref="TxQueue.Send"/>.</summary>
    public abstract unsafe int Send(ReadOnlySpan<Packet> burst, QueueCounters* counters);

    public abstract void Dispose();
}

/// <inheritdoc/>
/// <remarks>
/// Each frame is copied once, into a buffer that the guest has posted; one that needs several of them gets them if the
/// guest can merge (VIRTIO_NET_F_MRG_RXBUF), and is dropped otherwise.
/// </remarks>
/// <typeparam name="TRing">Split or packed.</typeparam>
internal sealed unsafe class VhostSender<TRing> : VhostSender
    where TRing : struct, IDeviceRing<TRing>
{
    /// <summary>Buffers that are taken in one go.</summary>
    private const int Batch = 64;

    /// <summary>Pieces of buffers that a frame may take, 64 KiB in pieces of 64 bytes. It bounds what a guest lets a frame cost.</summary>
    private const int MostMerged = DeviceBuffer.MaxPieces;

    /// <summary>Where the second cache line of a buffer starts that is written of any frame.</summary>
    private const int SecondLine = 64;

    /// <summary>What makes a frame more than its bytes.</summary>
    private const MbufFlags Unusual = MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum;

    /// <summary>Where in a TCP or UDP header the checksum is (RFC 9293, RFC 768).</summary>
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6;

    private readonly AlignedMemory _scratch =
        new((nuint)(((Batch + MostMerged) * sizeof(DeviceBuffer)) + (MostMerged * sizeof(uint))));

    private readonly uint _headerLength;
    private readonly bool _isMergeable;
    private readonly bool _leavesChecksums;
    private readonly DevicePiece* _pieces;
    private readonly EventFd _trouble;
    private readonly InflightLog? _log;
#pragma warning disable IDE0044 // Its methods change it.
    private TRing _ring;
#pragma warning restore IDE0044

    // Of the buffers that were taken: how many, and how many of them are used up.
    private int _taken;
    private int _next;
    private RingViolation _violation;

    public VhostSender(VhostRingOptions options)
    {
        _headerLength = (uint)options.HeaderLength;
        _isMergeable = options.Has(VirtioFeatures.NetMrgRxbuf);
        _leavesChecksums = options.Has(VirtioFeatures.NetGuestCsum);
        _pieces = (DevicePiece*)options.Ring.Pieces;
        Call = options.Call;
        _trouble = options.Trouble;
        _log = options.Log;
        _ring = TRing.Create(options.Ring);
    }

    public override uint Position => _ring.Position;

    public override RingViolation Violation => _violation != RingViolation.None ? _violation : _ring.Violation;

    private enum Sent
    {
        Yes,

        /// <summary>The guest has posted too few buffers now.</summary>
        NotNow,

        /// <summary>No buffer of the guest has room for it, or it asks for what cannot be done.</summary>
        Never,
    }

    private DeviceBuffer* Buffers => (DeviceBuffer*)_scratch.Address;

    private DeviceBuffer* Merged => Buffers + Batch;

    private uint* MergedLengths => (uint*)(Merged + MostMerged);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst, QueueCounters* counters)
    {
        uint headerLength = _headerLength;
        int done = 0;
        int refused = 0;
        ulong bytes = 0;
        _taken = _next = 0;
        for (; done < burst.Length; done++)
        {
            if (_next == _taken && !TryTakeMore(burst.Length - done))
                break;
            Mbuf* mbuf = burst[done].Mbuf;
            DeviceBuffer* buffer = Buffers + _next;
            uint length = mbuf->PacketLength;
            if (buffer->PieceCount == 1 && buffer->Length >= length + headerLength && (mbuf->Flags & Unusual) == 0)
            {
                byte* data = buffer->Data;
                WriteEmptyHeader(data, headerLength);
                data += headerLength;
                if (length - FrameCopy.ShortestLength <= FrameCopy.ShortLength - FrameCopy.ShortestLength && mbuf->SegmentCount == 1)
                    FrameCopy.Short(mbuf->Buffer + mbuf->DataOffset, data, length);
                else
                {
                    Mbuf* next = done + 1 < burst.Length ? burst[done + 1].Mbuf : mbuf;
                    byte* nextData = (_next + 1 < _taken ? buffer + 1 : buffer)->Data + headerLength;
                    CopyLong(mbuf, data, next, nextData);
                }

                _ring.Return(buffer->Token, length + headerLength);
                _next++;
            }
            else
            {
                Sent sent = SendUnusual(mbuf);
                if (sent == Sent.NotNow)
                    break;
                if (sent == Sent.Never)
                {
                    refused++;
                    continue;
                }

                length = mbuf->PacketLength;
            }

            bytes += length;
        }

        _ring.Untake(Buffers + _next, _taken - _next);
        if (_log is null ? _ring.Publish() : _log.Publish(ref _ring))
            Call?.Signal();
        counters->Packets += (uint)(done - refused);
        counters->Errors += (uint)refused;
        counters->Bytes += bytes;
        Packet.Free(burst[..done]);
        return done;
    }

    public override void Dispose() => _scratch.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryTakeMore(int wanted)
    {
        _next = _taken = 0;
        if (Violation != RingViolation.None)
            return false;
        _taken = _ring.Take(Buffers, Math.Min(wanted, Batch), DescriptorFlags.Write);
        if (_ring.Violation != RingViolation.None)
            _trouble.Signal();
        for (int i = 0; i < _taken; i++)
        {
            FrameCopy.Prefetch(Buffers[i].Data);
            FrameCopy.Prefetch(Buffers[i].Data + SecondLine);
        }

        return _taken != 0;
    }

    /// <summary>Says of a frame that it asks for nothing and lies in one buffer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteEmptyHeader(byte* header, uint headerLength)
    {
        // Not written where it stands already, from the last time that the guest posted the buffer: its line stays shared.
        if (Unsafe.ReadUnaligned<ulong>(header) != 0)
            Unsafe.WriteUnaligned(header, 0UL);
        const uint OneBuffer = 1 << 16;
        if (headerLength == VirtioNetHeader.Length)
        {
            if (Unsafe.ReadUnaligned<uint>(header + sizeof(ulong)) != OneBuffer)
                Unsafe.WriteUnaligned(header + sizeof(ulong), OneBuffer);
        }
        else
            Unsafe.WriteUnaligned(header + sizeof(ulong), (ushort)0);
    }

    /// <summary>Copies a frame, and asks meanwhile for the lines of the next one and of where it will go.</summary>
    /// <param name="mbuf">The frame.</param>
    /// <param name="data">Where it goes; there is room.</param>
    /// <param name="next">The frame behind it.</param>
    /// <param name="nextData">Where that one will go, if it fits.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLong(Mbuf* mbuf, byte* data, Mbuf* next, byte* nextData)
    {
        // The length of the packet has been checked, and the sum of the segments is a driver's promise.
        uint left = mbuf->PacketLength;
        for (Mbuf* segment = mbuf; segment != null; segment = segment->Next)
        {
            uint part = Math.Min(segment->DataLength, left);
            FrameCopy.Any(segment->Buffer + segment->DataOffset, data, part, next->Buffer + next->DataOffset, nextData);
            data += part;
            left -= part;
            nextData += part;
            next = next->Next == null ? next : next->Next;
        }
    }

    /// <summary>Sends what does not just fit into the next buffer.</summary>
    private Sent SendUnusual(Mbuf* mbuf)
    {
        if (mbuf->PacketLength > VirtioNetFrames.MaxLength || !TryPrepare(mbuf, out VirtioNetHeader header))
            return Sent.Never;
        header.NumBuffers = 1;
        var packet = new PacketReader(mbuf);
        byte* firstHeader = null;
        int merged = 0;
        int left = MostMerged;
        while (firstHeader == null || packet.Left != 0)
        {
            if (merged != 0 && !_isMergeable)
                return GiveUp(merged, Sent.Never);
            if (_next == _taken && !TryTakeMore(1))
                return GiveUp(merged, Sent.NotNow);
            DeviceBuffer buffer = Buffers[_next];
            if ((left -= buffer.PieceCount) < 0)
            {
                _violation = RingViolation.BuffersTooShort;
                _trouble.Signal();
                return GiveUp(merged, Sent.NotNow);
            }

            DevicePiece whole = new() { Data = buffer.Data, Length = buffer.Length };
            DevicePiece* pieces = buffer.PieceCount > 1 ? _pieces : &whole;
            uint written = 0;
            if (firstHeader == null)
            {
                if (pieces->Length < _headerLength)
                    return GiveUp(merged, Sent.Never);
                firstHeader = pieces->Data;
                written = _headerLength;
            }

            written = packet.CopyTo(pieces, buffer.PieceCount, written);
            Merged[merged] = buffer;
            MergedLengths[merged++] = written;
            _next++;
        }

        header.NumBuffers = (ushort)merged;
        Unsafe.CopyBlockUnaligned(firstHeader, &header, _headerLength);
        for (int i = 0; i < merged; i++)
            _ring.Return(Merged[i].Token, MergedLengths[i]);
        return Sent.Yes;
    }

    /// <summary>Leaves the buffers that a frame has got to the next one.</summary>
    private Sent GiveUp(int merged, Sent sent)
    {
        _ring.Untake(Buffers + _next, _taken - _next);
        _ring.Untake(Merged, merged);
        _taken = _next = 0;
        return sent;
    }

    /// <summary>Does what a packet asks for, or asks the guest to.</summary>
    private bool TryPrepare(Mbuf* mbuf, out VirtioNetHeader header)
    {
        header = default;
        MbufFlags asked = mbuf->Flags & Unusual;
        if (asked == 0)
            return true;
        int start = mbuf->L2Length + mbuf->L3Length;
        int offset = asked == MbufFlags.TxTcpChecksum ? TcpChecksumOffset : UdpChecksumOffset;
        if (_leavesChecksums && start + offset + sizeof(ushort) <= mbuf->PacketLength)
        {
            header.Flags = VirtioNetHeader.NeedsChecksum;
            header.ChecksumStart = (ushort)start;
            header.ChecksumOffset = (ushort)offset;
            return true;
        }

        mbuf->Flags &= ~Unusual;
        return ChecksumCompletion.TryComplete(mbuf, start, offset);
    }
}
