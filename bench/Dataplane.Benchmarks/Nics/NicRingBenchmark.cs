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

    private RxQueue? _rx;
    private TxQueue? _tx;

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
        (_rx, _tx) = Start();
    }

    /// <summary>Makes the queues and starts the device.</summary>
    private protected abstract (RxQueue Rx, TxQueue Tx) Start();
}
