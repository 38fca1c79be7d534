using Dataplane.Core.Tests.Memory;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Virtio;

namespace Dataplane.Core.Tests.Virtio;

/// <summary>Counts notifications.</summary>
internal readonly struct CountingNotifier(StrongCount count) : IVirtqueueNotifier
{
    public void Notify(ushort position) => count.Value++;
}

internal sealed class StrongCount
{
    public int Value { get; set; }
}

/// <summary>A receive and a transmit queue of a network device, each with a device at its other end.</summary>
internal sealed class QueueBed : IDisposable
{
    private readonly QueueCounterTable _counters = new(1, 1);

    public QueueBed(VirtioFeatures features, int size = 16, PortOffloads offloads = PortOffloads.None, int buffers = 64, int dataRoom = 256)
    {
        TestPool = new TestPool(buffers, dataRoom: dataRoom);
        var configuration = new PortConfiguration(TestPool.Pool) { Offloads = offloads };
        Rx = VirtioQueues.CreateRx(
            _counters.ForRx(0, configuration), portId: 3, Options("rx", size, features), new CountingNotifier(RxNotifications), interrupt: null);
        Tx = VirtioQueues.CreateTx(_counters.ForTx(0, configuration), Options("tx", size, features), new CountingNotifier(TxNotifications));
        RxDevice = TestDevice.Create(Rx.Addresses, size, features);
        TxDevice = TestDevice.Create(Tx.Addresses, size, features);
    }

    public TestPool TestPool { get; }

    public VirtioRxQueue Rx { get; }

    public VirtioTxQueue Tx { get; }

    public TestDevice RxDevice { get; }

    public TestDevice TxDevice { get; }

    public StrongCount RxNotifications { get; } = new();

    public StrongCount TxNotifications { get; } = new();

    public QueueCounters RxCounters => _counters.ReadRx(0);

    public QueueCounters TxCounters => _counters.ReadTx(0);

    public int InUse => TestPool.Pool.Statistics.InUse;

    /// <summary>Every kind of ring with every feature that changes what queues do.</summary>
    public static TheoryData<ulong> Kinds =>
    [
        (ulong)VirtioFeatures.Version1,
        (ulong)(VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf | VirtioFeatures.RingIndirectDesc | VirtioFeatures.RingEventIdx),
        (ulong)(VirtioFeatures.Version1 | VirtioFeatures.RingPacked),
        (ulong)(VirtioFeatures.Version1 | VirtioFeatures.RingPacked | VirtioFeatures.NetMrgRxbuf
            | VirtioFeatures.RingIndirectDesc | VirtioFeatures.RingEventIdx | VirtioFeatures.OrderPlatform),
    ];

    public QueueBed Start()
    {
        Rx.Start();
        Tx.Start();
        return this;
    }

    /// <summary>The device receives a frame, in as many buffers as it takes.</summary>
    public void Deliver(ReadOnlySpan<byte> frame, Func<VirtioNetHeader, VirtioNetHeader>? change = null)
    {
        var buffers = new List<(DeviceBuffer Buffer, int Length)>();
        var header = new VirtioNetHeader();
        int left = VirtioNetHeader.Length + frame.Length;
        while (left > 0)
        {
            DeviceBuffer buffer = Assert.IsType<DeviceBuffer>(RxDevice.Take());
            buffers.Add((buffer, Math.Min(left, buffer.WritableLength)));
            left -= buffer.WritableLength;
        }

        header.NumBuffers = (ushort)buffers.Count;
        header = change?.Invoke(header) ?? header;
        byte[] content = [.. System.Runtime.InteropServices.MemoryMarshal.AsBytes(new ReadOnlySpan<VirtioNetHeader>(in header)), .. frame];
        int at = 0;
        foreach ((DeviceBuffer buffer, int length) in buffers)
        {
            buffer.Write(content.AsSpan(at, length));
            at += length;
        }

        foreach ((DeviceBuffer buffer, int length) in buffers)
            RxDevice.Use(buffer, length);
    }

    /// <summary>Receives one packet, or nothing.</summary>
    public Packet? Receive()
    {
        var burst = new Packet[1];
        return Rx.Receive(burst) == 1 ? burst[0] : null;
    }

    /// <summary>Receives one packet, frees it and returns its bytes.</summary>
    public byte[] ReceiveFrame()
    {
        Packet packet = Receive() ?? throw new InvalidOperationException("nothing received");
        byte[] frame = new byte[packet.Length];
        packet.CopyTo(frame);
        packet.Free();
        return frame;
    }

    /// <summary>A frame whose bytes are known by its length and number.</summary>
    public static byte[] Frame(int length, int number = 0) => [.. Enumerable.Range(0, length).Select(i => (byte)((i * 7) + number))];

    public void Dispose()
    {
        Rx.Dispose();
        Tx.Dispose();
        _counters.Dispose();
        Assert.Equal(0, InUse);
        TestPool.Dispose();
    }

    private VirtqueueOptions Options(string name, int size, VirtioFeatures features) =>
        new() { Memory = TestPool.Memory, Name = name, Size = size, Features = features };
}
