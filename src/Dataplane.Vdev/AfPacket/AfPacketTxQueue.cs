using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// Copies frames into a transmit ring and has the kernel send them, one system call per burst. Nothing stays in the
/// ring: what the kernel does not take at once is taken back, so that the caller decides whether to wait or to drop.
/// </summary>
/// <remarks>
/// The virtio header says that all of a frame is "header": the kernel then copies it into one piece. Without that it
/// refers to the ring's page, which veth must copy to a page of its own: a third of the rate (docs/ports.md).
/// Barriers: the status word is written with release after the frame and read with acquire, as in the receive ring.
/// </remarks>
internal sealed unsafe class AfPacketTxQueue(
    TxQueueContext context, FrameLimit limit, LongFrames longFrames, RingSize ring)
    : TxQueue(context)
{
    /// <summary>Beyond this a copy costs more than pages do, and needs several pages in a row.</summary>
    private const int MaxLinearLength = 2048;

    private readonly int _ringRoom = ring.FrameSize - AfPacketLayout.SendOffset;
    private readonly int _frameCount = ring.FrameCount;
    private byte** _frames;
    private int _head;
    private int _fd;

    /// <summary>Starts with a fresh socket, whose ring is empty.</summary>
    public void Attach(AfPacketSocket socket)
    {
        _frames = socket.TxFrames;
        _fd = socket.Fd;
        _head = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        int done = 0;
        int refused = 0;
        ulong bytes = PacketBurst.TotalLength(burst);
        while (done < burst.Length)
        {
            int filled = Fill(burst[done..]);
            int taken = filled != 0 ? Kick(filled) : 0;
            done += taken;
            if (done == burst.Length)
                break;

            // The next packet did not go into the ring, or the kernel stopped at it.
            Packet packet = burst[done];
            SendResult result = taken != filled ? TakeBack(filled - taken) : SendAlone(packet);
            if (result == SendResult.NotNow)
                break;
            if (result == SendResult.Refused)
            {
                refused++;
                bytes -= (uint)packet.Length;
            }

            done++;
        }

        if (done != burst.Length)
            bytes -= PacketBurst.TotalLength(burst[done..]);
        Counters->Packets += (uint)(done - refused);
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        Packet.Free(burst[..done]);
        return done;
    }

    /// <summary>Copies packets into the ring until one does not fit into a frame or no frame is free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Fill(ReadOnlySpan<Packet> burst)
    {
        int head = _head;
        int filled = 0;
        foreach (Packet packet in burst)
        {
            var header = (Tpacket2Hdr*)_frames[head];
            int length = packet.Length;
            if (length > _ringRoom || !limit.Allows(packet)
                || Volatile.Read(ref header->TpStatus) != PacketSocket.TP_STATUS_AVAILABLE || filled == _frameCount)
                break;

            header->TpLen = (uint)(length + sizeof(VirtioNetHdr));
            byte* start = (byte*)header + AfPacketLayout.HeaderLength;
            *(VirtioNetHdr*)start = new VirtioNetHdr { HdrLen = (ushort)(length <= MaxLinearLength ? length : 0) };
            byte* data = start + sizeof(VirtioNetHdr);
            if (packet.SegmentCount == 1)
                packet.Data.CopyTo(new Span<byte>(data, length));
            else
                ChainedPacket.CopyTo(packet.Mbuf, data);
            Volatile.Write(ref header->TpStatus, PacketSocket.TP_STATUS_SEND_REQUEST);
            head = Next(head);
            filled++;
        }

        return filled;
    }

    /// <summary>Has the kernel send what was filled in; moves the head behind what it took, returns how many.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Kick(int filled)
    {
        Libc.SendTo(_fd, null, 0, SocketNumbers.MSG_DONTWAIT, null, 0);

        // It takes them in order, so the last one says whether it took all.
        int last = _head + filled - 1;
        if (last >= _frameCount)
            last -= _frameCount;
        if (IsTaken(last))
        {
            _head = Next(last);
            return filled;
        }

        int taken = 0;
        for (; IsTaken(_head); taken++)
            _head = Next(_head);
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsTaken(int frame)
    {
        const uint Pending = PacketSocket.TP_STATUS_SEND_REQUEST | PacketSocket.TP_STATUS_WRONG_FORMAT;
        return (Volatile.Read(ref ((Tpacket2Hdr*)_frames[frame])->TpStatus) & Pending) == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Next(int frame) => ++frame == _frameCount ? 0 : frame;

    /// <summary>Takes back what the kernel left in the ring; says whether it refused the first for good.</summary>
    private SendResult TakeBack(int count)
    {
        bool refused = (((Tpacket2Hdr*)_frames[_head])->TpStatus & PacketSocket.TP_STATUS_WRONG_FORMAT) != 0;
        int frame = _head;
        for (int i = 0; i < count; i++, frame = Next(frame))
            Volatile.Write(ref ((Tpacket2Hdr*)_frames[frame])->TpStatus, PacketSocket.TP_STATUS_AVAILABLE);
        return refused ? SendResult.Refused : SendResult.NotNow;
    }

    /// <summary>Sends a packet that is longer than a frame of the ring through a socket without one.</summary>
    private SendResult SendAlone(Packet packet)
    {
        if (!limit.Allows(packet))
            return SendResult.Refused;
        return packet.Length > _ringRoom ? longFrames.Send(packet) : SendResult.NotNow;
    }
}
