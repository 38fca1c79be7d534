using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.Tap;

/// <summary>
/// Reads frames straight into buffers, one system call each, which is all that /dev/net/tun offers. What does not fit
/// into a buffer goes on in a common one and is copied into further buffers: that is for a large MTU only.
/// </summary>
internal sealed unsafe class TapRxQueue(RxQueueContext context, int portId) : RxQueue(context), IDisposable
{
    /// <summary>Longest frame: the largest MTU of a tap, an Ethernet header and two tags.</summary>
    private const int MaxLength = 65521 + 14 + 8;

    private readonly Mempool _pool = context.Pool;
    private readonly ulong _rearm = Mbuf.RearmValue(portId, context.Pool);
    private readonly int _room = context.Pool.DataRoom;
    private readonly AlignedMemory _rest = new(MaxLength);
    private Packet _spare;
    private int _fd;

    /// <summary>Starts on a queue; frames that wait there from an earlier start are dropped.</summary>
    public void Attach(int fd)
    {
        _fd = fd;
        while (Libc.Read(fd, _rest.Address, MaxLength) >= 0)
        {
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        IoVector* pieces = stackalloc IoVector[2];
        pieces[1] = new IoVector { Base = _rest.Address, Length = MaxLength };
        int received = 0;
        ulong bytes = 0;
        while (received < burst.Length)
        {
            if (_spare.IsNull && !_pool.TryAllocateRaw(new Span<Packet>(ref _spare)))
            {
                _spare = default;
                Counters->NoMbuf++;
                break;
            }

            Mbuf* mbuf = _spare.Mbuf;
            pieces[0] = new IoVector { Base = mbuf->Buffer + Mbuf.DefaultHeadroom, Length = (nuint)_room };
            int length = (int)Libc.Readv(_fd, pieces, 2);
            if (length <= 0)
                break;
            Mbuf.SetReceived(mbuf, _rearm, Math.Min(length, _room));
            if (length > _room && !TryChain(mbuf, length))
                continue;
            burst[received++] = _spare;
            bytes += (uint)length;
            _spare = default;
        }

        Counters->Packets += (uint)received;
        Counters->Bytes += bytes;
        return received;
    }

    /// <summary>Gives back what the queue holds between polls.</summary>
    public void Release()
    {
        if (!_spare.IsNull)
            _pool.FreeRaw(new Span<Packet>(ref _spare));
        _spare = default;
    }

    public void Dispose()
    {
        Release();
        _rest.Dispose();
    }

    /// <summary>Appends what did not fit into the first buffer; without buffers for it the frame is lost.</summary>
    private bool TryChain(Mbuf* first, int length)
    {
        int rest = length - _room;
        if (!ChainedPacket.TryAllocate(_pool, _rearm, rest, out Packet tail))
        {
            Counters->NoMbuf++;
            return false;
        }

        new ChainWriter(tail).Append(_rest.Address, rest);
        first->Next = tail.Mbuf;
        first->SegmentCount += tail.Mbuf->SegmentCount;
        first->PacketLength = (uint)length;
        return true;
    }
}
