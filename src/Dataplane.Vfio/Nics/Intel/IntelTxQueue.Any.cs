using System.Runtime.CompilerServices;
using Dataplane.Memory;
using Dataplane.Packets;

namespace Dataplane.Vfio.Nics.Intel;

/// <content>Packets of several buffers, and what the device shall do to them.</content>
internal unsafe partial class IntelTxQueue<TRegisters, TFormat>
{
    /// <summary>Buffers of a packet at most: 82599 holds 40 descriptors on the chip (7.2.3.3), and a context is one of them.</summary>
    private const int MaxSegments = 32;

    private readonly ulong _contextBits;
    private readonly Descriptor _plainContext;

    // Whether the device must still be given the context of packets that ask for nothing.
    private bool _owesPlainContext;

    /// <summary>The context that the device has for this queue; zero if none, which no context is.</summary>
    private Descriptor _context;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int SendAny(ReadOnlySpan<Packet> burst)
    {
        uint tail = _tail;
        uint end = _tail + Free;
        int taken = 0;
        foreach (Packet packet in burst)
        {
            Mbuf* mbuf = packet.Mbuf;
            if (IsSendable(mbuf))
            {
                bool needsContext = NeedsContext(mbuf, out Descriptor context);
                if (mbuf->SegmentCount + (needsContext ? 1u : 0) + (_owesPlainContext ? 1u : 0) > end - tail)
                    break;
                uint start = tail;
                if (_owesPlainContext)
                    WritePlainContext(ref tail);
                if (needsContext)
                    Write(ref tail, _context = context);
                Write(ref tail, mbuf);
                Complete(start, tail, packet);
                Counters->Packets++;
                Counters->Bytes += mbuf->PacketLength;
            }
            else
            {
                Counters->Errors++;
                packet.Free();
            }

            taken++;
        }

        if (tail != _tail)
            Publish(tail);
        return taken;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsSendable(Mbuf* mbuf) =>
        mbuf->PacketLength >= MinFrame && mbuf->PacketLength <= _maxFrame && mbuf->SegmentCount <= MaxSegments
        && ((mbuf->Flags & TFormat.NeedsContext) == 0 || TFormat.CanDescribe(mbuf))
        && (((mbuf->Flags & MbufFlags.External) == 0 && mbuf->SegmentCount == 1) || ExternalData.BringHome(mbuf));

    /// <summary>Whether a packet needs a context, and another one than the device has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool NeedsContext(Mbuf* mbuf, out Descriptor context)
    {
        if ((mbuf->Flags & TFormat.NeedsContext) == 0)
        {
            context = default;
            return false;
        }

        context = TFormat.Context(mbuf);
        return _context.Low != context.Low || _context.High != context.High;
    }

    /// <summary>The device has no context any more, neither that of a packet nor that of all.</summary>
    private void ForgetContexts()
    {
        _context = default;
        _owesPlainContext = _plainBits != 0;
        _isPlain = !_hasOffloads && !_owesPlainContext;
    }

    private void WritePlainContext(ref uint tail)
    {
        Write(ref tail, _plainContext);
        _owesPlainContext = false;
        _isPlain = !_hasOffloads;
    }

    /// <summary>Writes the buffers of a packet. Empty ones are left out: a device may take one for the packet's end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(ref uint tail, Mbuf* mbuf)
    {
        ulong high = TFormat.Data | Options(mbuf->Flags) | TFormat.Details(mbuf);
        for (Mbuf* segment = mbuf; segment != null; segment = segment->Next)
        {
            if (segment->DataLength != 0)
                Write(ref tail, new Descriptor { Low = segment->BufferIova + segment->DataOffset, High = high | segment->DataLength });
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(ref uint tail, Descriptor descriptor)
    {
        uint index = tail++ & _mask;
        _descriptors[index] = descriptor;
        _packets[index] = default;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Options(MbufFlags flags)
    {
        if ((flags & Offloads) == 0)
            return _plainBits;
        ulong options = _contextBits;
        if ((flags & MbufFlags.TxVlanInsert) != 0)
            options |= TxBits.InsertVlan;
        if ((flags & MbufFlags.TxIpChecksum) != 0)
            options |= TxBits.IpChecksum;
        if ((flags & (MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum)) != 0)
            options |= TxBits.L4Checksum;
        return options;
    }

    /// <summary>
    /// Ends a packet: it is freed with the block of its last descriptor. Blocks that it completes are done when it is.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Complete(uint start, uint tail, Packet packet)
    {
        uint last = (tail - 1) & _mask;
        _packets[last] = packet;
        _descriptors[last].High |= TxBits.EndOfPacket;

        Mbuf* mbuf = packet.Mbuf;
        bool isPlain = tail - start == 1 && mbuf->SegmentCount == 1 && (mbuf->Flags & MbufFlags.External) == 0;
        TxBlock* block = _blocks + ((start & _mask) >> BlockShift);
        bool isAlike = (start & (Block - 1)) == 0 || block->Pool == mbuf->Pool;
        block->Pool = isPlain && isAlike ? mbuf->Pool : null;
        for (; ((start ^ tail) & ~(Block - 1)) != 0; start += Block)
        {
            block = _blocks + ((start & _mask) >> BlockShift);
            block->Last = last;
            _descriptors[last].High |= TxBits.ReportStatus;
            uint nextBlock = (start + Block) & ~(Block - 1);
            if (tail != nextBlock)
                _blocks[(nextBlock & _mask) >> BlockShift].Pool = null;
        }
    }
}
