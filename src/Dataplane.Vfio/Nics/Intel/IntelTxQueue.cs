using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// A transmit queue as all Intel NICs have it, whatever its descriptors look like. The driver gives the ring to the
/// device (base and length registers, queue enabled at descriptor 0) and takes it back (queue disabled,
/// <see cref="Release"/>); in between the lcore sends.
/// </summary>
/// <remarks>
/// <para>
/// Positions count up and never wrap; index = position modulo length. The ring is divided into blocks of 32 descriptors.
/// The device reports once per block, at the last descriptor of the packet that completes it, and the block's packets
/// go back to their pool together. Whether that can be done without a look at each is found out when they are sent,
/// when their headers are in the first-level cache.
/// </para>
/// Barriers, and why (x86-64 | Arm):
/// <code>
/// frame, descriptors written  -> tail register written   IoBarrier.Store: the device reads both when it sees the tail   (none | dmb oshst)
/// done bit read               -> packets freed           IoBarrier.Load: a buffer must not be written while it is read  (none | dmb oshld)
/// </code>
/// One tail write per burst, no register is read.
/// </remarks>
internal unsafe partial class IntelTxQueue<TRegisters, TFormat> : TxQueue, IDisposable
    where TRegisters : struct, IRegisterSpace
    where TFormat : struct, ITxFormat
{
    private const uint Block = DescriptorRing.Block;
    private const int BlockShift = 5;

    /// <summary>
    /// Descriptors in use from which on every call looks whether the oldest block is done. Few, so that buffers come
    /// back while they are in the caches.
    /// </summary>
    private const uint CleanFrom = 2 * Block;

    /// <summary>Devices hang at less than this, FCS apart: 82576 data sheet 7.2.2.2.1, 82599 7.2.1.2.1; they pad the rest to 60.</summary>
    private const int MinFrame = 17;

    private const MbufFlags Offloads = MbufFlags.TxVlanInsert | MbufFlags.TxIpChecksum
        | MbufFlags.TxTcpChecksum | MbufFlags.TxUdpChecksum;

    /// <summary>What makes a packet more than one buffer of its pool that asks for nothing.</summary>
    private const MbufFlags Unusual = Offloads | MbufFlags.External;

    private readonly TRegisters _registers;
    private readonly DescriptorRing _ring;
    private readonly AlignedMemory _blockMemory;
    private readonly Descriptor* _descriptors;
    private readonly Packet* _packets;
    private readonly TxBlock* _blocks;
    private readonly uint _mask;
    private readonly uint _cleanFrom;
    private readonly int _tailRegister;
    private readonly int _maxFrame;
    private readonly bool _hasOffloads;
    private readonly ulong _plainBits;

    // Neither offloads nor the plain context stand in the way of packets of one buffer each.
    private bool _isPlain;
    private uint _tail;
    private uint _clean;

    /// <param name="context">As the port got it.</param>
    /// <param name="port">Name, memory and NUMA node.</param>
    /// <param name="registers">Of the device.</param>
    /// <param name="settings">What is special to the device.</param>
    /// <exception cref="DataplaneException">There is no memory.</exception>
    public IntelTxQueue(TxQueueContext context, PortContext port, TRegisters registers, AdvancedTxSettings settings)
        : base(context)
    {
        _registers = registers;
        _tailRegister = settings.TailRegister;
        _maxFrame = settings.MaxFrame;
        _contextBits = settings.ContextBits;
        _hasOffloads = context.Offloads != PortOffloads.None;
        _plainContext = settings.PlainContext;
        _plainBits = settings.PlainBits;
        _ring = new DescriptorRing(port.Memory, $"{port.Name} tx {context.Index}", context.Descriptors, port.NumaNode);
        _descriptors = _ring.Descriptors;
        _packets = _ring.Packets;
        _mask = (uint)_ring.Length - 1;
        _cleanFrom = Math.Min(CleanFrom, (uint)_ring.Length / 2);
        _blockMemory = new AlignedMemory((nuint)((_ring.Length >> BlockShift) * sizeof(TxBlock)));
        _blocks = (TxBlock*)_blockMemory.Address;
        ForgetContexts();
    }

    /// <summary>The ring, as the device must be told of it.</summary>
    public DescriptorRing Ring => _ring;

    /// <summary>What the tail register was told last; the device has sent everything when its head register is there.</summary>
    public uint Tail => _tail & _mask;

    /// <summary>Frees all packets, sent or not, and forgets them; the device must have stopped using them.</summary>
    public void Release()
    {
        for (; _clean != _tail; _clean++)
        {
            Packet packet = _packets[_clean & _mask];
            if (!packet.IsNull)
                packet.Free();
        }

        _ring.Clear();
        _tail = 0;
        _clean = 0;
        ForgetContexts();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release();
        _ring.Dispose();
        _blockMemory.Dispose();
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override int Send(ReadOnlySpan<Packet> burst)
    {
        if (_tail - _clean >= _cleanFrom)
            Clean();
        if (!_isPlain)
            return SendAny(burst);
        // Packets of one buffer that ask for nothing. Should one be otherwise, what was written so far, of which the
        // device does not know yet, is written again by SendAny.
        uint tail = _tail;
        uint end = tail + Math.Min((uint)burst.Length, Free);
        if (end == tail)
            return 0;
        ulong bytes = 0;
        MbufFlags flags = MbufFlags.None;
        uint segments = 1;
        int oddLength = 0;
        ulong plain = TFormat.Data | TxBits.EndOfPacket | _plainBits;
        fixed (Packet* first = burst)
        {
            Packet* next = first;
            while (tail != end)
            {
                uint index = tail & _mask;
                uint count = Math.Min(end - tail, Block - (index & (Block - 1)));
                TxBlock* block = _blocks + (index >> BlockShift);
                Descriptor* descriptors = _descriptors + index;
                Packet* packets = _packets + index;
                MempoolHeader* pool = (index & (Block - 1)) == 0 ? next->Mbuf->Pool : block->Pool;
                nint otherPool = 0;
                for (uint i = 0; i < count; i++)
                {
                    Mbuf* mbuf = next[i].Mbuf;
                    uint length = mbuf->DataLength;
                    packets[i] = next[i];
                    descriptors[i].Low = mbuf->BufferIova + mbuf->DataOffset;
                    descriptors[i].High = plain | length | TFormat.Details(length);
                    bytes += length;
                    flags |= mbuf->Flags;
                    segments |= mbuf->SegmentCount;
                    oddLength |= ((int)length - MinFrame) | (_maxFrame - (int)length);
                    otherPool |= (nint)mbuf->Pool ^ (nint)pool;
                }

                next += count;
                tail += count;
                block->Pool = otherPool == 0 ? pool : null;
                if ((tail & (Block - 1)) == 0)
                {
                    block->Last = (tail - 1) & _mask;
                    descriptors[count - 1].High |= TxBits.ReportStatus;
                }
            }
        }

        if ((flags & Unusual) != 0 || segments != 1 || oddLength < 0)
            return SendAny(burst);
        uint sent = end - _tail;
        Publish(end);
        Counters->Packets += sent;
        Counters->Bytes += bytes;
        return (int)sent;
    }

    /// <summary>Descriptors that may be written: all but one, because a full ring would look empty to the device.</summary>
    private uint Free
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _mask - (_tail - _clean);
    }

    /// <summary>Lets the device send up to a position.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Publish(uint tail)
    {
        _tail = tail;
        IoBarrier.Store();
        _registers.Write32(_tailRegister, tail & _mask);
    }

    /// <summary>Frees the packets of the oldest blocks that are done.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Clean()
    {
        while (_tail - _clean >= Block)
        {
            uint index = _clean & _mask;
            TxBlock* block = _blocks + (index >> BlockShift);
            if ((Volatile.Read(ref _descriptors[block->Last].High) & TxBits.Done) == 0)
                return;
            IoBarrier.Load();
            var packets = new ReadOnlySpan<Packet>(_packets + index, (int)Block);
            if (block->Pool != null)
                block->Pool->Put(packets);
            else
                FreeOneByOne(packets);
            _clean += Block;
        }
    }

    private static void FreeOneByOne(ReadOnlySpan<Packet> packets)
    {
        foreach (Packet packet in packets)
        {
            if (!packet.IsNull)
                packet.Free();
        }
    }

    /// <summary>What is known of a block of descriptors.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TxBlock
    {
        /// <summary>The pool of all 32 packets if they are plain buffers of one; else null.</summary>
        public MempoolHeader* Pool;

        /// <summary>Index of the descriptor at which the device reports that the block is done; it may lie in a later one.</summary>
        public uint Last;
    }
}
