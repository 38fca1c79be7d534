using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dataplane.Benchmarks.Nics;

/// <summary>The rings of an igb or ixgbe port.</summary>
public class AdvancedRingBenchmarks : NicRingBenchmark
{
    private protected override (RxQueue Rx, TxQueue Tx, IDisposable Device) Start(RxQueueContext rx, TxQueueContext tx)
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
        var device = new RingDevice();
        var rxQueue = new AdvancedRxQueue<MappedRegisters>(rx, port, device.Registers, new AdvancedRxSettings
        {
            TailRegister = RingDevice.RxTail,
            ErrorShift = AdvancedRx.GigabitErrorShift,
        });
        var txQueue = new AdvancedTxQueue<MappedRegisters>(tx, port, device.Registers, new AdvancedTxSettings
        {
            TailRegister = RingDevice.TxTail,
            MaxFrame = 9728,
        });
        rxQueue.Fill(port.Name);
        rxQueue.Publish();
        device.Start(rxQueue.Ring, txQueue.Ring, DeviceCpu);
        return (rxQueue, txQueue, device);
    }
}
