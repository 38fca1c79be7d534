namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Where the registers of a queue of a physical function start.</summary>
internal static class IxgbeQueues
{
    /// <summary>Receive queues 64 to 127 have a block of their own (8.2.3.8).</summary>
    private const int RxHighBlock = 0xD000;
    private const int RxLowCount = 64;

    public static int Rx(int queue) => queue < RxLowCount
        ? IxgbeRegisters.RxQueueBlock + (queue * IxgbeRegisters.QueueStride)
        : RxHighBlock + ((queue - RxLowCount) * IxgbeRegisters.QueueStride);

    public static int Tx(int queue) => IxgbeRegisters.TxQueueBlock + (queue * IxgbeRegisters.QueueStride);
}
