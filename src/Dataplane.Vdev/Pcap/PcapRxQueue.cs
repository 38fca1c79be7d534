using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.Pcap;

/// <summary>
/// Receives the frames of a source, each copied into a buffer of its own: whoever gets a packet may write into it, so
/// the frames of a capture that is received again cannot be lent.
/// </summary>
internal sealed unsafe class PcapRxQueue(RxQueueContext context, int portId, IFrameSource source) : RxQueue(context)
{
    private readonly Mempool _pool = context.Pool;
    private readonly ulong _rearm = Mbuf.RearmValue(portId, context.Pool);

    /// <summary>
    /// Longest frame that is copied by whole lines: behind a buffer's data room there is nothing before the end of its
    /// last line, since buffers start at lines and the headroom is two of them.
    /// </summary>
    private readonly int _lineRoom = context.Pool.DataRoom / FrameBlock.LineSize * FrameBlock.LineSize;

    // Of the block at hand: its frames, and the slots from the next one to the end.
    private byte* _frames;
    private FrameSlot* _next;
    private FrameSlot* _end;
    private bool _isPlain;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        int received = 0;
        while (received < burst.Length)
        {
            int left = (int)(_end - _next);
            if (left == 0)
            {
                if (!TryEnterNextBlock())
                    break;
                continue;
            }

            Span<Packet> part = burst.Slice(received, Math.Min(burst.Length - received, left));
            int count = _isPlain ? ReceivePlain(part) : ReceiveChained(part);
            if (count == 0)
                break;
            received += count;
        }

        return received;
    }

    /// <summary>Frames that fit into one buffer each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int ReceivePlain(Span<Packet> burst)
    {
        if (!_pool.TryAllocateRaw(burst))
        {
            Counters->NoMbuf++;
            return 0;
        }

        ulong bytes = 0;
        ulong rearm = _rearm;
        byte* frames = _frames;
        FrameSlot* slot = _next;
        foreach (Packet packet in burst)
        {
            Mbuf* mbuf = packet.Mbuf;
            int length = slot->Length;
            CopyLines(frames + slot->Offset, Mbuf.OwnBuffer(mbuf) + Mbuf.DefaultHeadroom, length);
            Mbuf.SetReceived(mbuf, rearm, length);
            bytes += (uint)length;
            slot++;
        }

        _next = slot;
        Counters->Packets += (uint)burst.Length;
        Counters->Bytes += bytes;
        return burst.Length;
    }

    /// <summary>Frames of a block of which some need a chain of buffers.</summary>
    private int ReceiveChained(Span<Packet> burst)
    {
        int count = 0;
        while (count < burst.Length && _next != _end)
        {
            int length = _next->Length;
            if (length > (long)_pool.DataRoom * _pool.Capacity)
            {
                Counters->Errors++;
                _next++;
                continue;
            }

            if (!ChainedPacket.TryAllocate(_pool, _rearm, length, out burst[count]))
            {
                Counters->NoMbuf++;
                break;
            }

            var writer = new ChainWriter(burst[count]);
            writer.Append(_frames + _next->Offset, length);
            Counters->Packets++;
            Counters->Bytes += (uint)length;
            _next++;
            count++;
        }

        return count;
    }

    /// <summary>Forgets the block at hand, which is not this queue's any more; not while the port is started.</summary>
    public void Rewind() => _next = _end = null;

    private bool TryEnterNextBlock()
    {
        FrameBlock? block = source.TakeNext();
        if (block is null)
        {
            Rewind();
            return false;
        }

        _frames = block.Frames;
        _next = block.Slots;
        _end = _next + block.Count;
        _isPlain = block.LongestFrame <= _lineRoom;
        Counters->Errors += (uint)block.Errors;
        return true;
    }

    /// <summary>Copies a frame and what follows it up to the end of its last line.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyLines(byte* from, byte* to, int length)
    {
        *(CacheLine*)to = *(CacheLine*)from;
        for (int offset = FrameBlock.LineSize; offset < length; offset += FrameBlock.LineSize)
            *(CacheLine*)(to + offset) = *(CacheLine*)(from + offset);
    }

    /// <summary>A line as a value: the JIT copies it with the widest registers that there are.</summary>
    [StructLayout(LayoutKind.Sequential, Size = FrameBlock.LineSize)]
    private struct CacheLine;
}
