using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>A receive queue with advanced descriptors, as igb, ixgbe and their VFs have it, and 82574 as well.</summary>
internal sealed class AdvancedRxQueue<TRegisters>(
    RxQueueContext context, PortContext port, TRegisters registers, AdvancedRxSettings settings)
    : IntelRxQueue<TRegisters, AdvancedRx>(context, port, registers, settings)
    where TRegisters : struct, IRegisterSpace;
