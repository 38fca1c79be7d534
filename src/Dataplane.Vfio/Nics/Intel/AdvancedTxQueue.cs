using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>A transmit queue with advanced descriptors, as igb, ixgbe and their VFs have it.</summary>
internal sealed class AdvancedTxQueue<TRegisters>(
    TxQueueContext context, PortContext port, TRegisters registers, AdvancedTxSettings settings)
    : IntelTxQueue<TRegisters, AdvancedTx>(context, port, registers, settings)
    where TRegisters : struct, IRegisterSpace;
