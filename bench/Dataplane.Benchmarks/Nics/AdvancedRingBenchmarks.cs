using BenchmarkDotNet.Attributes;
using Dataplane.Lcores;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Benchmarks.Nics;

/// <summary>
/// A burst received and sent on the rings of an igb or ixgbe port: the whole cost of the driver, with descriptors that
/// travel between the caches of two CPUs as they do between a CPU and a NIC.
/// </summary>
public class AdvancedRingBenchmarks : BurstBenchmark
{
    private const int DriverCpu = 0;
    private const int DeviceCpu = 1;

    private RingDevice? _device;
    private QueueCounterTable? _counters;
    private AdvancedRxQueue<MappedRegisters>? _rx;
    private AdvancedTxQueue<MappedRegisters>? _tx;

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

    protected override void OnSetUp()
    {
        _ = ThreadAffinity.TrySet(0, new CpuSet([DriverCpu]));
        var port = new PortContext
        {
            Id = 0,
            Name = "bench",
            DriverName = "net_bench",
            Memory = Runtime.Memory,
            Logger = NullLogger.Instance,
            Ports = [],
        };
        var configuration = new PortConfiguration(Pool);
        _counters = new QueueCounterTable(1, 1);
        _device = new RingDevice();
        _rx = new AdvancedRxQueue<MappedRegisters>(_counters.ForRx(0, configuration), port, _device.Registers, new AdvancedRxSettings
        {
            TailRegister = RingDevice.RxTail,
            ErrorShift = AdvancedRx.GigabitErrorShift,
        });
        _tx = new AdvancedTxQueue<MappedRegisters>(_counters.ForTx(0, configuration), port, _device.Registers, new AdvancedTxSettings
        {
            TailRegister = RingDevice.TxTail,
            MaxFrame = 9728,
        });
        _rx.Fill(port.Name);
        _rx.Publish();
        _device.Start(_rx.Ring, _tx.Ring, DeviceCpu);
    }

    protected override void OnCleanUp()
    {
        _device?.Dispose();
        _rx?.Dispose();
        _tx?.Dispose();
        _counters?.Dispose();
    }
}
