using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.AfXdp;

/// <summary>
/// Takes frames out of a receive ring: each lies in a buffer of the pool already, and is given out as the packet that it
/// is. For each frame an empty buffer goes into the fill ring; when the pool has none, the queue owes it.
/// </summary>
internal sealed unsafe class AfXdpRxQueue(RxQueueContext context, int portId, int ringSize, int busyBudget)
    : RxQueue(context), IDisposable
{
    /// <summary>Buffers that are taken from the pool at a time.</summary>
    private const int RefillSize = 64;

    private readonly Mempool _pool = context.Pool;
    private readonly ulong _rearm = Mbuf.RearmValue(portId, context.Pool) - Mbuf.DefaultHeadroom;
    private readonly Packet[] _empty = new Packet[RefillSize];
    private HeldBuffers? _held;
    private XskSocket? _socket;
    private byte* _base;
    private ulong _chunkOffset;
    private ulong _rearmOfChunk;
    private XskRing _rx;
    private XskRing _fill;
    private uint _rxConsumer;
    private uint _fillProducer;
    private int _owed;
    private bool _isBusyPolling;
    private bool _isSureOfBusyPolling;

    /// <summary>Starts with a fresh socket and gives it buffers; the kernel may take them before it is bound.</summary>
    public void Attach(XskSocket socket)
    {
        Umem umem = socket.Umem;
        _held = new HeldBuffers(umem);
        _socket = socket;
        _base = umem.Base;
        _chunkOffset = (ulong)umem.ChunkOffset;
        // What is added is where in the chunk the frame starts: 256 for a frame as it came.
        _rearmOfChunk = _rearm + _chunkOffset - Mbuf.HeaderSize;
        _rx = socket.Rx;
        _fill = socket.Fill;
        _rxConsumer = 0;
        _fillProducer = 0;
        _owed = ringSize;
        Refill();
    }

    /// <summary>Whether each poll that finds nothing does the kernel's work for the queue, unless it turns out that it cannot.</summary>
    public void SetBusyPolling(bool enabled)
    {
        _isBusyPolling = enabled && busyBudget != 0;
        _isSureOfBusyPolling = false;
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
    public override int Receive(Span<Packet> burst)
    {
        uint consumer = _rxConsumer;
        uint ready = Volatile.Read(ref *_rx.Producer) - consumer;
        if (ready == 0)
            return ReceiveNothing();

        int count = (int)Math.Min(ready, (uint)burst.Length);
        var entries = (XdpDesc*)_rx.Entries;
        uint mask = _rx.Size - 1;
        byte* start = _base - _chunkOffset;
        ulong chunkOffset = _chunkOffset;
        ulong rearm = _rearmOfChunk;
        byte* held = _held!.Table;
        ulong bytes = 0;
        for (int i = 0; i < count; i++)
        {
            XdpDesc* frame = entries + (consumer++ & mask);
            ulong address = frame->Addr;
            uint length = frame->Len;
            ulong chunk = address & XdpSocket.XSK_UNALIGNED_BUF_ADDR_MASK;
            var mbuf = (Mbuf*)(start + chunk);
            HeldBuffers.Remove(held, chunk - chunkOffset);
            Mbuf.SetReceived(mbuf, rearm + (address >> XdpSocket.XSK_UNALIGNED_BUF_OFFSET_SHIFT), (int)length);
            burst[i] = new Packet(mbuf);
            bytes += length;
        }

        _rxConsumer = consumer;
        Volatile.Write(ref *_rx.Consumer, consumer);
        Counters->Packets += (uint)count;
        Counters->Bytes += bytes;
        _owed += count;
        Refill();
        return count;
    }

    public void Dispose() => Detach();

    /// <summary>The kernel's poll tells of frames; the queue has nothing to arm.</summary>
    internal override bool TryArmInterrupt()
    {
        if (Volatile.Read(ref *_rx.Producer) != _rxConsumer)
            return false;
        ReceiveNothing();
        return Volatile.Read(ref *_rx.Producer) == _rxConsumer;
    }

    internal override int InterruptDescriptor => _socket?.Fd ?? -1;

    /// <summary>What there is to do while nothing comes.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int ReceiveNothing()
    {
        if (_owed != 0)
            Refill();
        if (_socket!.IsSendPending)
            _socket.KickPending();
        if (_isBusyPolling && !_isSureOfBusyPolling && _rxConsumer != 0)
            _isBusyPolling = _isSureOfBusyPolling = _socket.CanBusyPoll;
        if (_isBusyPolling)
            Libc.Recv(_socket.Fd, null, 0, SocketNumbers.MSG_DONTWAIT);
        else
            WakeIfAsleep();
        return 0;
    }

    /// <summary>Gives the kernel what it is owed, as far as the pool has it.</summary>
    private void Refill()
    {
        while (_owed != 0)
        {
            int count = Math.Min(_owed, RefillSize);
            if (!_pool.TryAllocateRaw(_empty.AsSpan(0, count)))
            {
                RefillWithRest();
                break;
            }

            Post(count);
        }

        WakeIfAsleep();
    }

    /// <summary>The pool has not as many as are owed, but maybe some.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RefillWithRest()
    {
        Counters->NoMbuf++;
        while (_owed != 0 && _pool.TryAllocateRaw(_empty.AsSpan(0, 1)))
            Post(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Post(int count)
    {
        var entries = (ulong*)_fill.Entries;
        uint mask = _fill.Size - 1;
        uint producer = _fillProducer;
        byte* start = _base;
        byte* held = _held!.Table;
        foreach (Packet packet in _empty.AsSpan(0, count))
        {
            ulong offset = (ulong)((byte*)packet.Mbuf - start);
            HeldBuffers.Add(held, offset);
            entries[producer++ & mask] = offset + _chunkOffset;
        }

        _fillProducer = producer;
        Volatile.Write(ref *_fill.Producer, producer);
        _owed -= count;
    }

    /// <summary>A zero-copy driver that ran out of buffers sleeps until it is told that there are some.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WakeIfAsleep()
    {
        if ((Volatile.Read(ref *_fill.Flags) & XdpSocket.XDP_RING_NEED_WAKEUP) != 0)
            Wake();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wake()
    {
        var entry = new PollDescriptor { Fd = _socket!.Fd, Events = Libc.POLLIN };
        Libc.Poll(&entry, 1, timeoutMilliseconds: 0);
    }
}
