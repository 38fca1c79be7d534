using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// A receive queue as all Intel NICs have it, whatever its descriptors look like. The driver gives the ring to the device
/// (<see cref="Fill"/>, base and length registers, queue enabled, <see cref="Publish"/>) and takes it back
/// (queue disabled, <see cref="Release"/>); in between the lcore polls.
/// </summary>
/// <remarks>
/// <para>
/// Positions count up and never wrap; index = position modulo length. The lcore takes packets at <c>_next</c>; blocks of
/// 32 whose packets are all taken get new buffers, up to <c>_refilled</c>. The tail register names the last descriptor
/// of the last refilled block, which the device therefore does not use yet: it is never done, and where the lcore stops
/// when it has taken everything, even if no buffers were to be had for the blocks behind it.
/// </para>
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// done bits read          -> rest of descriptor, frame read   IoBarrier.Load: data must not be older than the bit    (none | dmb oshld)
/// descriptors refilled    -> tail register written            IoBarrier.Store: the device must not see old addresses (none | dmb oshst)
/// </code>
/// One tail write for 32 packets, no register is read.
/// </remarks>
internal unsafe partial class IntelRxQueue<TRegisters, TFormat> : RxQueue, IDisposable
    where TRegisters : struct, IRegisterSpace
    where TFormat : struct, IRxFormat
{
    private const uint Block = DescriptorRing.Block;

    private readonly TRegisters _registers;
    private readonly AdvancedRxSettings _settings;
    private readonly DescriptorRing _ring;
    private readonly Mempool _pool;
    private readonly Descriptor* _descriptors;
    private readonly Packet* _packets;
    private readonly uint _mask;
    private readonly int _tailRegister;
    private readonly bool _isPlain;
    private readonly int _room;
    private readonly bool _iovaIsAddress;
    private readonly ulong _rearm;
    private uint _next;
    private uint _refilled;

    /// <param name="context">As the port got it.</param>
    /// <param name="port">Id and name, memory and NUMA node.</param>
    /// <param name="registers">Of the device.</param>
    /// <param name="settings">What is special to the device and its configuration.</param>
    /// <exception cref="DataplaneException">There is no memory.</exception>
    public IntelRxQueue(RxQueueContext context, PortContext port, TRegisters registers, AdvancedRxSettings settings)
        : base(context)
    {
        _registers = registers;
        _settings = settings;
        _tailRegister = settings.TailRegister;
        _pool = context.Pool;
        _rearm = Mbuf.RearmValue(port.Id, context.Pool);
        _iovaIsAddress = port.Memory.IovaMode == IovaMode.Va;
        _errorShift = settings.ErrorShift;
        _reported = Reported(context.Offloads);
        _room = context.Pool.DataRoom;
        _isPlain = !settings.Chains && !settings.RestoresVlan && _reported == MbufFlags.None;
        _ring = new DescriptorRing(port.Memory, $"{port.Name} rx {context.Index}", context.Descriptors, port.NumaNode);
        _descriptors = _ring.Descriptors;
        _packets = _ring.Packets;
        _mask = (uint)_ring.Length - 1;
        Empty();
    }

    /// <summary>The ring, as the device must be told of it.</summary>
    public DescriptorRing Ring => _ring;

    /// <inheritdoc/>
    internal override EventFd? Interrupt => _settings.Interrupt?.Event;

    /// <summary>Gives every descriptor a buffer. The device is told of none yet.</summary>
    /// <param name="port">The port's name, for the error.</param>
    /// <exception cref="DataplaneException">The mempool has not enough.</exception>
    public void Fill(string port)
    {
        Release();
        while (_next - _refilled >= Block)
        {
            if (!TryRefillBlock(_refilled))
            {
                Release();
                throw new DataplaneException(
                    $"{port} cannot start: the mempool {_pool.Name} has not {_ring.Length} buffers left for rx queue {Index}",
                    "make the mempool larger or the queues shorter");
            }

            _refilled += Block;
        }
    }

    /// <summary>Shows the device the buffers; its queue is enabled and stands at descriptor 0.</summary>
    public void Publish()
    {
        IoBarrier.Store();
        _registers.Write32(_tailRegister, (_refilled - 1) & _mask);
    }

    /// <summary>Takes all buffers back; the device must have stopped using them.</summary>
    public void Release()
    {
        // From the next packet to the end of the last refilled block, a round further, there are buffers.
        for (uint end = _refilled + (uint)_ring.Length; _next != end; _next++)
            _packets[_next & _mask].Free();
        ReleaseChain();
        Empty();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        _ring.Dispose();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Receive(Span<Packet> burst)
    {
        if (!_isPlain || _chain != null)
            return ReceiveAny(burst);
        // Packets of one buffer each of which nothing is to be told: what forwarding needs. Should one be otherwise, they
        // are taken again by ReceiveAny.
        uint next = _next;
        int count = CountDone(next, burst.Length);
        if (count != 0)
        {
            Descriptor* descriptors = _descriptors + (next & _mask);
            Packet* packets = _packets + (next & _mask);
            ulong rearm = _rearm;
            ulong bytes = 0;
            ulong all = TFormat.EndOfPacket;
            ulong any = 0;
            int room = _room;
            int excess = 0;
            IoBarrier.Load();
            fixed (Packet* taken = burst)
            {
                for (int i = 0; i < count; i++)
                {
                    Packet packet = packets[i];
                    ulong high = descriptors[i].High;
                    var length = (ushort)(high >> TFormat.LengthShift);
                    all &= high;
                    any |= high;
                    excess |= room - length;
                    taken[i] = packet;
                    Mbuf.SetReceived(packet.Mbuf, rearm, length);
                    bytes += length;
                }
            }

            if (all == 0 || (any & _settings.FrameErrors) != 0 || excess < 0)
                return ReceiveAny(burst);
            Counters->Packets += (uint)count;
            Counters->Bytes += bytes;
            next += (uint)count;
            _next = next;
        }

        if (next - _refilled >= Block)
            Refill(next);
        return count;
    }

    /// <inheritdoc/>
    internal override bool TryArmInterrupt()
    {
        RxInterrupt interrupt = _settings.Interrupt!;
        _registers.Write32(interrupt.MaskSet, interrupt.Cause);
        // A packet that came before is seen here; one that comes later finds the cause unmasked.
        IoBarrier.Full();
        return !IsDone(_descriptors + (_next & _mask));
    }

    /// <inheritdoc/>
    internal override void DisarmInterrupt()
    {
        RxInterrupt interrupt = _settings.Interrupt!;
        _registers.Write32(interrupt.MaskClear, interrupt.Cause);
    }

    /// <summary>No descriptor has a buffer: all blocks wait to be filled.</summary>
    private void Empty()
    {
        _ring.Clear();
        _next = 0;
        _refilled = 0 - (uint)_ring.Length;
    }

    /// <summary>
    /// How many descriptors are done from a position on, up to the end of the ring, and no further than there are buffers:
    /// a broken device might say so of others.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int CountDone(uint position, int atMost)
    {
        uint index = position & _mask;
        uint buffers = _refilled + _mask + 1 - position;
        int most = (int)Math.Min(Math.Min((uint)atMost, buffers), _mask + 1 - index);
        Descriptor* first = _descriptors + index;
        int count = 0;
        while (count < most && IsDone(first + count))
            count++;
        return count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsDone(Descriptor* descriptor) => (Volatile.Read(ref descriptor->High) & TFormat.Done) != 0;

    /// <summary>Gives buffers to the blocks whose packets are all taken.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Refill(uint next)
    {
        uint refilled = _refilled;
        while (next - refilled >= Block && TryRefillBlock(refilled))
            refilled += Block;
        if (next - refilled >= Block)
            Counters->NoMbuf++;
        if (refilled == _refilled)
            return;
        _refilled = refilled;
        Publish();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryRefillBlock(uint position)
    {
        Packet* packets = _packets + (position & _mask);
        Descriptor* descriptors = _descriptors + (position & _mask);
        if (!_pool.TryAllocateRaw(new Span<Packet>(packets, (int)Block)))
            return false;
        if (_iovaIsAddress)
        {
            // Known without a look at the buffer's header, which may be in no cache by now.
            for (int i = 0; i < Block; i++)
            {
                descriptors[i].Low = (ulong)packets[i].Mbuf + Mbuf.HeaderSize + Mbuf.DefaultHeadroom;
                descriptors[i].High = 0;
            }
        }
        else
        {
            for (int i = 0; i < Block; i++)
            {
                descriptors[i].Low = packets[i].Mbuf->BufferIova + Mbuf.DefaultHeadroom;
                descriptors[i].High = 0;
            }
        }

        return true;
    }
}
