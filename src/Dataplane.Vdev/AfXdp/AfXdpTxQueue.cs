using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vdev.Kernel;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// Puts packets into a transmit ring where they lie, if that is a buffer of the port's own pool, else a copy; one system
/// call per burst has the kernel send them.
/// </summary>
internal sealed unsafe class AfXdpTxQueue(TxQueueContext context, FrameLimit limit) : TxQueue(context), IDisposable
{
    /// <summary>Buffers that go back to the pool at a time.</summary>
    private const int ReapSize = 64;

    private readonly Packet[] _sent = new Packet[ReapSize];
    private HeldBuffers? _held;
    private XskSocket? _socket;
    private Mempool? _pool;
    private MempoolHeader* _owner;
    private byte* _base;
    private int _longest;
    private XskRing _tx;
    private XskRing _completion;
    private uint _txProducer;
    private uint _completed;

    /// <summary>Starts with a fresh socket.</summary>
    public void Attach(XskSocket socket)
    {
        Umem umem = socket.Umem;
        _held = new HeldBuffers(umem);
        _socket = socket;
        _pool = umem.Pool;
        _owner = umem.Pool.Header;
        _base = umem.Base;
        _longest = umem.LongestFrame;
        _tx = socket.Tx;
        _completion = socket.Completion;
        _txProducer = 0;
        _completed = 0;
    }

    /// <summary>Waits, within a bound, until the kernel has sent what it was given.</summary>
    public void Drain(TimeSpan patience)
    {
        if (_socket is null)
            return;
        long start = Environment.TickCount64;
        for (Reap(); _completed != _txProducer; Reap())
        {
            if (Environment.TickCount64 - start > patience.TotalMilliseconds)
                break;
            if (_socket.Kick() != 0)
                Thread.Sleep(1);
        }
    }

    /// <summary>Gives back all buffers that the kernel had; the socket is closed.</summary>
    public void Detach()
    {
        _held?.Release();
        _held?.Dispose();
        _held = null;
        _socket = null;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        Reap();
        uint producer = _txProducer;
        // Not more than the completion ring has room for; then the kernel never has to wait for us.
        int room = (int)(_tx.Size - (producer - _completed));
        var entries = (XdpDesc*)_tx.Entries;
        uint mask = _tx.Size - 1;
        byte* start = _base;
        MempoolHeader* owner = _owner;
        byte* held = _held!.Table;
        int done = 0;
        int refused = 0;
        int copied = 0;
        ulong bytes = 0;
        foreach (Packet packet in burst)
        {
            Mbuf* mbuf = packet.Mbuf;
            if (!limit.Allows(packet) || packet.Length > _longest)
            {
                packet.Free();
                refused++;
                done++;
                continue;
            }

            if (room == 0)
                break;
            if (mbuf->Pool != owner || mbuf->SegmentCount != 1 || (mbuf->Flags & MbufFlags.External) != 0)
            {
                if ((mbuf = BringHome(packet)) == null)
                    break;
                copied += mbuf == packet.Mbuf ? 0 : 1;
            }

            ulong offset = (ulong)((byte*)mbuf - start);
            HeldBuffers.Add(held, offset);
            XdpDesc* frame = entries + (producer++ & mask);
            ulong data = Mbuf.HeaderSize + (ulong)mbuf->DataOffset;
            frame->Addr = offset | (data << XdpSocket.XSK_UNALIGNED_BUF_OFFSET_SHIFT);
            frame->Len = mbuf->DataLength;
            frame->Options = 0;
            bytes += mbuf->DataLength;
            room--;
            done++;
        }

        int queued = (int)(producer - _txProducer);
        if (queued != 0 && !TryHandOver(producer, canTakeBack: copied + refused == 0))
            return 0;
        Counters->Packets += (uint)queued;
        Counters->Errors += (uint)refused;
        Counters->Bytes += bytes;
        return done;
    }

    public void Dispose() => Detach();

    /// <summary>Gives the frames up to an index to the kernel; false if the interface is down and they are taken back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryHandOver(uint producer, bool canTakeBack)
    {
        uint before = _txProducer;
        _txProducer = producer;
        Volatile.Write(ref *_tx.Producer, producer);
        if (_socket!.IsZeroCopy)
        {
            Interlocked.MemoryBarrier();
            if ((Volatile.Read(ref *_tx.Flags) & XdpSocket.XDP_RING_NEED_WAKEUP) == 0)
                return true;
        }

        int error = _socket.Kick();
        if (error == Errno.ENETDOWN && canTakeBack && TryTakeBack(before))
            return false;
        if (error != 0)
            KickAgain(error);
        Reap();
        return true;
    }

    /// <summary>
    /// The kernel stops after 32 frames (EAGAIN), at one that the interface dropped (EBUSY), or when it lacks memory.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void KickAgain(int error)
    {
        for (uint tries = _txProducer - _completed; tries != 0; tries--)
        {
            if (error is not (Errno.EAGAIN or Errno.EBUSY or Errno.EINTR))
                break;
            Reap();
            if ((error = _socket!.Kick()) == 0)
                return;
        }

        _socket!.MarkPending();
    }

    /// <summary>
    /// Takes a burst out of the ring that the kernel has not looked at because the interface is down. It has seen nothing
    /// of it for sure if it was done with all that was there before. A zero-copy driver looks whenever it wants to.
    /// </summary>
    private bool TryTakeBack(uint before)
    {
        if (_socket!.IsZeroCopy || Volatile.Read(ref *_tx.Consumer) != before)
            return false;
        var entries = (XdpDesc*)_tx.Entries;
        for (uint i = before; i != _txProducer; i++)
        {
            ulong address = entries[i & (_tx.Size - 1)].Addr;
            HeldBuffers.Remove(_held!.Table, address & XdpSocket.XSK_UNALIGNED_BUF_ADDR_MASK);
        }

        _txProducer = before;
        Volatile.Write(ref *_tx.Producer, before);
        return true;
    }

    /// <summary>Gives buffers of sent frames back to the pool.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reap()
    {
        uint ready = Volatile.Read(ref *_completion.Producer) - _completed;
        if (ready != 0)
            Reap(ready);
    }

    private void Reap(uint ready)
    {
        var entries = (ulong*)_completion.Entries;
        uint mask = _completion.Size - 1;
        byte* start = _base;
        byte* held = _held!.Table;
        uint consumer = _completed;
        while (ready != 0)
        {
            Span<Packet> sent = _sent.AsSpan(0, (int)Math.Min(ready, ReapSize));
            foreach (ref Packet packet in sent)
            {
                ulong offset = entries[consumer++ & mask] & XdpSocket.XSK_UNALIGNED_BUF_ADDR_MASK;
                HeldBuffers.Remove(held, offset);
                packet = new Packet((Mbuf*)(start + offset));
            }

            _pool!.FreeRaw(sent);
            ready -= (uint)sent.Length;
        }

        _completed = consumer;
        Volatile.Write(ref *_completion.Consumer, consumer);
    }

    /// <summary>
    /// Brings a packet that the kernel cannot reach into a buffer that it can: the packet's own, if it is one of the pool
    /// whose data lies elsewhere, else another; null if there is none now.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private Mbuf* BringHome(Packet packet)
    {
        Mbuf* mbuf = packet.Mbuf;
        if (mbuf->Pool == _owner && mbuf->SegmentCount == 1 && ExternalData.BringHome(mbuf) && (mbuf->Flags & MbufFlags.External) == 0)
            return mbuf;
        // The longest frame fits into an empty buffer.
        if (!_pool!.TryAllocate(out Packet copy) || !copy.TryAppend(packet.Length, out Span<byte> room))
            return null;
        packet.CopyTo(room);
        packet.Free();
        return copy.Mbuf;
    }
}
