using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// Takes frames out of a receive ring, each copied into a buffer of the pool. What a port gives out are frames as on a
/// wire: VLAN tags are put back, checksums finished, uncut TCP and UDP frames cut.
/// </summary>
/// <remarks>
/// Barriers: the status word hands a frame over. It is read with acquire before the frame, and written with release
/// after it, on x86-64 plain moves, on arm64 ldar and stlr; the kernel has smp_rmb and smp_wmb on its side.
/// </remarks>
internal sealed unsafe class AfPacketRxQueue(
    RxQueueContext context, int portId, int frameCount, bool receivesOutgoing = false)
    : RxQueue(context), IDisposable
{
    private readonly Mempool _pool = context.Pool;
    private readonly ulong _rearm = Mbuf.RearmValue(portId, context.Pool);
    private readonly int _room = context.Pool.DataRoom;
    private readonly SuperFrame _superFrame = new();
    private byte** _frames;
    private int _head;
    private int _fd;

    /// <summary>Starts with a fresh socket, whose ring is empty.</summary>
    public void Attach(AfPacketSocket socket)
    {
        _frames = socket.RxFrames;
        _fd = socket.Fd;
        _head = 0;
        _superFrame.Clear();
    }

    /// <summary>Throws away what has arrived.</summary>
    public void Discard()
    {
        for (var header = (Tpacket2Hdr*)_frames[_head]; IsReady(header); header = (Tpacket2Hdr*)_frames[_head])
        {
            if ((header->TpStatus & PacketSocket.TP_STATUS_COPY) != 0)
                ReadFromSocket();
            Release(header);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        if (_superFrame.HasMore)
            return _superFrame.Take(burst, _pool, _rearm, Counters);
        int ready = CountReady(burst.Length);
        if (ready == 0)
            return 0;
        if (!_pool.TryAllocateRaw(burst[..ready]))
        {
            Counters->NoMbuf++;
            return 0;
        }

        int received = 0;
        ulong bytes = 0;
        bool special = false;
        for (int i = 0; i < ready; i++)
        {
            var header = (Tpacket2Hdr*)_frames[_head];
            Mbuf* mbuf = burst[received].Mbuf;
            int length = (int)header->TpLen;
            if (IsPlain(header) && length <= _room)
            {
                Mbuf.SetReceived(mbuf, _rearm, length);
                new ReadOnlySpan<byte>((byte*)header + header->TpMac, length).CopyTo(new Packet(mbuf).Data);
            }
            else if (IsUnwanted(header))
                length = 0;
            else if (!TryMend(header, mbuf, ref length))
            {
                special = true;
                break;
            }

            Release(header);
            received += length != 0 ? 1 : 0;
            bytes += (uint)length;
        }

        if (received != ready)
            _pool.FreeRaw(burst[received..ready]);
        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
        return special ? received + ReceiveSpecial(burst[received..]) : received;
    }

    public void Dispose() => _superFrame.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int CountReady(int most)
    {
        most = Math.Min(most, frameCount);
        int head = _head;
        int ready = 0;
        while (ready < most && IsReady((Tpacket2Hdr*)_frames[head]))
        {
            ready++;
            head = Next(head);
        }

        return ready;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsReady(Tpacket2Hdr* header) =>
        (Volatile.Read(ref header->TpStatus) & PacketSocket.TP_STATUS_USER) != 0;

    /// <summary>Whether the frame lies whole in the ring as it shall be given out.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsPlain(Tpacket2Hdr* header)
    {
        const uint Unusual = PacketSocket.TP_STATUS_COPY | PacketSocket.TP_STATUS_VLAN_VALID;
        VirtioNetHdr* offload = OffloadOf(header);
        return (header->TpStatus & Unusual) == 0
            && header->TpSnaplen == header->TpLen
            && (offload->Flags & VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0
            && offload->GsoType == VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE
            && !IsUnwanted(header);
    }

    /// <summary>What this host sends through the interface is not received, but older kernels show it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsUnwanted(Tpacket2Hdr* header) =>
        !receivesOutgoing
        && ((SockaddrLl*)((byte*)header + AfPacketLayout.HeaderLength))->SllPkttype == PacketSocket.PACKET_OUTGOING;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static VirtioNetHdr* OffloadOf(Tpacket2Hdr* header) =>
        (VirtioNetHdr*)((byte*)header + header->TpMac - sizeof(VirtioNetHdr));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Release(Tpacket2Hdr* header)
    {
        Volatile.Write(ref header->TpStatus, PacketSocket.TP_STATUS_KERNEL);
        _head = Next(_head);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Next(int frame) => ++frame == frameCount ? 0 : frame;

    /// <summary>Puts tag and checksum into a frame that fits into one buffer; false for any other.</summary>
    private bool TryMend(Tpacket2Hdr* header, Mbuf* mbuf, ref int length)
    {
        VirtioNetHdr* offload = OffloadOf(header);
        uint tag = VlanTag.Of(header);
        int tagLength = tag != 0 ? VlanTag.Length : 0;
        int addresses = Math.Min(length, 2 * MacAddress.Length);
        bool isWhole = header->TpSnaplen == header->TpLen && (header->TpStatus & PacketSocket.TP_STATUS_COPY) == 0;
        if (!isWhole || offload->GsoType != VirtioNetHdr.VIRTIO_NET_HDR_GSO_NONE || length + tagLength > _room)
            return false;

        Mbuf.SetReceived(mbuf, _rearm, length + tagLength);
        byte* data = new Packet(mbuf).DataPointer;
        byte* frame = (byte*)header + header->TpMac;
        Buffer.MemoryCopy(frame, data, addresses, addresses);
        if (tag != 0)
            VlanTag.Write(data + addresses, tag);
        Buffer.MemoryCopy(frame + addresses, data + addresses + tagLength, length - addresses, length - addresses);
        length += tagLength;
        if ((offload->Flags & VirtioNetHdr.VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0
            || ChecksumCompletion.TryComplete(data, length, offload->CsumStart + tagLength, offload->CsumOffset))
            return true;
        Counters->Errors++;
        length = 0;
        return true;
    }

    /// <summary>Takes the frame at the head, which is uncut or too long, gives out what there is room for.</summary>
    private int ReceiveSpecial(Span<Packet> burst)
    {
        var header = (Tpacket2Hdr*)_frames[_head];
        uint tag = VlanTag.Of(header);
        int length = (header->TpStatus & PacketSocket.TP_STATUS_COPY) != 0 ? ReadFromSocket() : ReadFromRing(header);
        Release(header);
        if (length == 0)
            return 0;
        if (_superFrame.TryBegin(length, tag))
            return _superFrame.Take(burst, _pool, _rearm, Counters);
        Counters->Errors++;
        return 0;
    }

    /// <summary>The ring has its start alone; as a whole it waits in the socket, in the order of the ring.</summary>
    private int ReadFromSocket()
    {
        nint length = Libc.Recv(
            _fd,
            _superFrame.ReceiveBuffer,
            (nuint)SuperFrame.ReceiveCapacity,
            SocketNumbers.MSG_DONTWAIT | SocketNumbers.MSG_TRUNC);
        if (length > sizeof(VirtioNetHdr) && length <= SuperFrame.ReceiveCapacity)
            return (int)length;
        Counters->Errors++;
        return 0;
    }

    private int ReadFromRing(Tpacket2Hdr* header)
    {
        if (header->TpSnaplen != header->TpLen)
        {
            // The receive buffer had no room for the whole of it.
            Counters->Missed++;
            return 0;
        }

        int length = sizeof(VirtioNetHdr) + (int)header->TpSnaplen;
        Buffer.MemoryCopy(OffloadOf(header), _superFrame.ReceiveBuffer, SuperFrame.ReceiveCapacity, length);
        return length;
    }
}
