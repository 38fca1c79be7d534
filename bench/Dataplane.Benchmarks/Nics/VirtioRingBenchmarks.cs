using BenchmarkDotNet.Attributes;
using Dataplane.Ports;
using Dataplane.Virtio;

namespace Dataplane.Benchmarks.Nics;

/// <summary>The rings of a virtio port, with mergeable buffers, indirect descriptors and an event index, as QEMU offers them.</summary>
public class VirtioRingBenchmarks : NicRingBenchmark
{
    private const int Size = 1024;

    /// <summary>Which kind of ring.</summary>
    [Params(false, true)]
    public bool Packed { get; set; }

    private protected override (RxQueue Rx, TxQueue Tx, IDisposable Device) Start(RxQueueContext rx, TxQueueContext tx)
    {
        VirtioFeatures features = VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf | VirtioFeatures.RingIndirectDesc
            | VirtioFeatures.RingEventIdx | (Packed ? VirtioFeatures.RingPacked : VirtioFeatures.None);
        VirtioRxQueue rxQueue = VirtioQueues.CreateRx(rx, 0, Options("rx", features), default(NoNotifier), interrupt: null);
        VirtioTxQueue txQueue = VirtioQueues.CreateTx(tx, Options("tx", features), default(NoNotifier));
        rxQueue.Start();
        txQueue.Start();
        return (rxQueue, txQueue, new VirtioRingDevice(rxQueue.Addresses, txQueue.Addresses, Size, Packed, DeviceCpu));
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
