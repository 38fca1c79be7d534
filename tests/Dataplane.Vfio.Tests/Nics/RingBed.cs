using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Nics.E1000;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Vfio.Tests.Nics;

/// <summary>A receive and a transmit queue whose device is the test: it completes descriptors as it likes.</summary>
/// <typeparam name="TRx">The format of receive descriptors; those to transmit are e1000's.</typeparam>
internal sealed unsafe class RingBed<TRx> : IDisposable
    where TRx : struct, IRxFormat
{
    public const int RxTail = 0x2818;
    public const int TxTail = 0x3818;
    public const int Length = 128;
    public const int DataRoom = 512;
    public const int MaxFrame = 2000;

    /// <summary>An error bit that is none of the formats' other bits.</summary>
    public const ulong FrameError = 1UL << 47;

    private readonly QueueCounterTable _counters = new(1, 1);

    public RingBed(int buffers = 1024, PortOffloads offloads = PortOffloads.None)
    {
        Memory = DataplaneMemory.Create(new MemoryOptions { NoHuge = true }, NullLogger.Instance);
        var pool = new MempoolOptions { Count = buffers, DataRoom = DataRoom, CacheSize = 0 };
        Pool = new Mempool(Memory, pool, lcoreCount: 1);
        var port = new PortContext
        {
            Id = 3,
            Name = "0000:01:00.0",
            DriverName = "net_test",
            Memory = Memory,
            Logger = NullLogger.Instance,
            Ports = [],
        };
        var configuration = new PortConfiguration(Pool)
        {
            RxDescriptors = Length,
            TxDescriptors = Length,
            Offloads = offloads,
        };
        var registers = new RecordingRegisters(Writes);
        Rx = new IntelRxQueue<RecordingRegisters, TRx>(
            _counters.ForRx(0, configuration),
            port,
            registers,
            new AdvancedRxSettings { TailRegister = RxTail, ErrorShift = LegacyRx.ErrorShift, FrameErrors = FrameError });
        Tx = new IntelTxQueue<RecordingRegisters, E1000Tx>(
            _counters.ForTx(0, configuration),
            port,
            registers,
            new AdvancedTxSettings { TailRegister = TxTail, MaxFrame = MaxFrame });
    }

    public DataplaneMemory Memory { get; }

    public Mempool Pool { get; }

    public IntelRxQueue<RecordingRegisters, TRx> Rx { get; }

    public IntelTxQueue<RecordingRegisters, E1000Tx> Tx { get; }

    /// <summary>All register writes so far.</summary>
    public List<(int Offset, uint Value)> Writes { get; } = [];

    public QueueCounters RxCounters => _counters.ReadRx(0);

    public QueueCounters TxCounters => _counters.ReadTx(0);

    /// <summary>Starts the receive ring as a driver does.</summary>
    public RingBed<TRx> StartRx()
    {
        Rx.Fill("port");
        Rx.Publish();
        Writes.Clear();
        return this;
    }

    /// <summary>The device is done with a descriptor and claims this length.</summary>
    public void Complete(int index, int length, bool isEnd = true, ulong errors = 0)
    {
        ulong status = TRx.Done | (isEnd ? TRx.EndOfPacket : 0) | errors;
        Rx.Ring.Descriptors[index].High = status | ((ulong)(ushort)length << TRx.LengthShift);
    }

    /// <summary>Polls once; the caller owns the packets.</summary>
    public Packet[] Receive(int most = 32)
    {
        var burst = new Packet[most];
        return burst[..Rx.Receive(burst)];
    }

    /// <summary>A packet of segments of these lengths.</summary>
    public Packet Create(params ReadOnlySpan<int> lengths)
    {
        Packet packet = default;
        foreach (int length in lengths)
        {
            Assert.True(Pool.TryAllocate(out Packet segment));
            Assert.True(segment.TryAppend(length, out _));
            if (packet.IsNull)
                packet = segment;
            else
                Assert.True(packet.TryChain(segment));
        }

        return packet;
    }

    public void Dispose()
    {
        Rx.Dispose();
        Tx.Dispose();
        Assert.Equal(0, Pool.Statistics.InUse);
        _counters.Dispose();
        Pool.Dispose();
        Memory.Dispose();
    }
}
