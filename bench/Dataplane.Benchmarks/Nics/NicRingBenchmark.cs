using BenchmarkDotNet.Attributes;
using Dataplane.Lcores;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Benchmarks.Nics;

/// <summary>
/// A burst received and sent on the rings of a port: the whole cost of the driver, with descriptors that travel between the
/// caches of two CPUs as they do between a CPU and a NIC.
/// </summary>
public abstract class NicRingBenchmark : BurstBenchmark
{
    /// <summary>Where the device's thread runs.</summary>
    protected const int DeviceCpu = 1;

    private const int DriverCpu = 0;

    private QueueCounterTable? _counters;
    private RxQueue? _rx;
    private TxQueue? _tx;
    private IDisposable? _device;

    /// <summary>Waits for a full burst, which it finds unless the device's thread is slower than the driver.</summary>
    [Benchmark]
    public int ReceiveSend()
    {
        int received = 0;
        while (received < Burst)
            received += Forward(Packets[received..]);
        return received;
    }

    /// <summary>One round of a forwarder: what has arrived is sent at once.</summary>
    internal int Forward(Span<Packet> burst)
    {
        int received = _rx!.Receive(burst);
        if (received == 0)
            return 0;
        Span<Packet> packets = burst[..received];
        int sent = _tx!.Send(packets);
        if (sent != received)
            Packet.Free(packets[sent..]);
        return received;
    }

    protected sealed override void OnSetUp()
    {
        _ = ThreadAffinity.TrySet(0, new CpuSet([DriverCpu]));
        var configuration = new PortConfiguration(Pool);
        _counters = new QueueCounterTable(1, 1);
        (_rx, _tx, _device) = Start(_counters.ForRx(0, configuration), _counters.ForTx(0, configuration));
    }

    protected sealed override void OnCleanUp()
    {
        _device?.Dispose();
        (_rx as IDisposable)?.Dispose();
        (_tx as IDisposable)?.Dispose();
        _counters?.Dispose();
    }

    /// <summary>Makes the queues and starts the device, which runs until it is disposed.</summary>
    private protected abstract (RxQueue Rx, TxQueue Tx, IDisposable Device) Start(RxQueueContext rx, TxQueueContext tx);
}
