using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Benchmarks.Nics;

/// <summary>The rings of an igb or ixgbe port.</summary>
public class AdvancedRingBenchmarks : NicRingBenchmark
{
    private RingDevice? _device;
    private QueueCounterTable? _counters;
    private AdvancedRxQueue<MappedRegisters>? _rx;
    private AdvancedTxQueue<MappedRegisters>? _tx;

    private protected override (RxQueue Rx, TxQueue Tx) Start()
    {
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
        return (_rx, _tx);
    }

    protected override void OnCleanUp()
    {
        _device?.Dispose();
        _rx?.Dispose();
        _tx?.Dispose();
        _counters?.Dispose();
    }
}
