using BenchmarkDotNet.Attributes;
using Dataplane.Ports;
using Dataplane.Virtio;

namespace Dataplane.Benchmarks.Nics;

/// <summary>The rings of a virtio port, with mergeable buffers, indirect descriptors and an event index, as QEMU offers them.</summary>
public class VirtioRingBenchmarks : NicRingBenchmark
{
    private const int Size = 1024;

    private VirtioRingDevice? _device;
    private QueueCounterTable? _counters;
    private VirtioRxQueue? _rx;
    private VirtioTxQueue? _tx;

    /// <summary>Which kind of ring.</summary>
    [Params(false, true)]
    public bool Packed { get; set; }

    private protected override (RxQueue Rx, TxQueue Tx) Start()
    {
        VirtioFeatures features = VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf | VirtioFeatures.RingIndirectDesc
            | VirtioFeatures.RingEventIdx | (Packed ? VirtioFeatures.RingPacked : VirtioFeatures.None);
        var configuration = new PortConfiguration(Pool);
        _counters = new QueueCounterTable(1, 1);
        _rx = VirtioQueues.CreateRx(_counters.ForRx(0, configuration), 0, Options("rx", features), default(NoNotifier), interrupt: null);
        _tx = VirtioQueues.CreateTx(_counters.ForTx(0, configuration), Options("tx", features), default(NoNotifier));
        _rx.Start();
        _tx.Start();
        _device = new VirtioRingDevice(_rx.Addresses, _tx.Addresses, Size, Packed, DeviceCpu);
        return (_rx, _tx);
    }

    protected override void OnCleanUp()
    {
        _device?.Dispose();
        _rx?.Dispose();
        _tx?.Dispose();
        _counters?.Dispose();
    }

    private VirtqueueOptions Options(string name, VirtioFeatures features) =>
        new() { Memory = Runtime.Memory, Name = name, Size = Size, Features = features };

    /// <summary>The device polls.</summary>
    private readonly struct NoNotifier : IVirtqueueNotifier
    {
        public void Notify(ushort position)
        {
        }
    }
}
