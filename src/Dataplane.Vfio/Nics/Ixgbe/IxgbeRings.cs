using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// How a queue gets its ring and gives it back; physical and virtual functions have the same registers in the block of a
/// queue (82599 8.2.3.8, 8.2.3.9 and 8.3.5).
/// </summary>
internal static class IxgbeRings
{
    /// <summary>Some 10 times what Intel's drivers wait for a queue to end.</summary>
    private static readonly TimeSpan DisableTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Tells a receive queue where its ring is.</summary>
    /// <param name="device">The device.</param>
    /// <param name="block">Where the queue's registers start.</param>
    /// <param name="ring">Its ring, filled.</param>
    /// <param name="buffers">How the device uses the buffers.</param>
    /// <param name="dropWhenEmpty">
    /// Whether frames for the queue are dropped while it has no buffers. Else they wait in the packet buffer, where they
    /// block those for other queues.
    /// </param>
    public static void ProgramRx<TRegisters>(
        IxgbeDevice<TRegisters> device, int block, DescriptorRing ring, RxBuffers buffers, bool dropWhenEmpty)
        where TRegisters : struct, IRegisterSpace
    {
        RingRegisters.Set(device.Registers, block, ring.Iova, ring.ByteLength);
        device.Write(
            block + Srrctl,
            SrrctlAdvancedOneBuffer | (uint)buffers.Kilobytes | (dropWhenEmpty ? SrrctlDropEnable : 0));
        device.Write(block + Rscctl, 0);
        // 4.6.7 has bit 12 cleared; the others would let a status pass its frame on the way to memory.
        device.Change(
            block + DcaRxctrl, set: 0, clear: DcaRxctrlReserved12 | DcaRxctrlDataRelaxedOrder | DcaRxctrlHeaderRelaxedOrder);
    }

    /// <summary>4.6.7.1.1: the queue works; the tail register may be written from now on.</summary>
    public static void EnableRx<TRegisters>(IxgbeDevice<TRegisters> device, int block, bool stripVlan)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(
            block + Rxdctl,
            set: RxdctlEnable | (stripVlan ? RxdctlVlanStrip : 0),
            clear: stripVlan ? 0 : RxdctlVlanStrip);
        device.WaitSet(block + Rxdctl, RxdctlEnable, "RXDCTL.ENABLE to be set");
    }

    /// <summary>Takes the ring back; 100 us later the device writes no more (4.6.7.1.2).</summary>
    /// <returns>False if the queue did not react in time.</returns>
    public static bool TryDisableRx<TRegisters>(IxgbeDevice<TRegisters> device, int block)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(block + Rxdctl, set: 0, clear: RxdctlEnable);
        return RegisterWait.TryUntil(device.Registers, block + Rxdctl, RxdctlEnable, 0, DisableTime, out _);
    }

    /// <summary>Tells a transmit queue where its ring is.</summary>
    public static void ProgramTx<TRegisters>(IxgbeDevice<TRegisters> device, int block, DescriptorRing ring)
        where TRegisters : struct, IRegisterSpace
    {
        RingRegisters.Set(device.Registers, block, ring.Iova, ring.ByteLength);
        // Done bits are written into the descriptors, not the head somewhere else.
        device.Write(block + Tdwbal, 0);
        device.Write(block + Tdwbah, 0);
        device.Change(block + DcaTxctrl, set: 0, clear: DcaTxctrlWriteBackRelaxedOrder);
    }

    /// <summary>The queue works. WTHRESH is zero, so that a done bit is written as soon as it is asked for (7.2.3.4).</summary>
    public static void EnableTx<TRegisters>(IxgbeDevice<TRegisters> device, int block)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(block + Txdctl, TxdctlEnable | TxdctlPrefetch);
        device.WaitSet(block + Txdctl, TxdctlEnable, "TXDCTL.ENABLE to be set");
    }

    /// <summary>4.6.8.1.2: a queue may be disabled when it has sent everything.</summary>
    /// <returns>False if it has not in time, for example because the link is down.</returns>
    public static bool TryDrainTx<TRegisters>(IxgbeDevice<TRegisters> device, int block, uint tail, TimeSpan atMost)
        where TRegisters : struct, IRegisterSpace =>
        RegisterWait.TryUntil(device.Registers, block + RingRegisters.Head, uint.MaxValue, tail, atMost, out _);

    /// <summary>Takes the ring back; behind it the device neither reads nor writes it.</summary>
    /// <returns>False if the queue did not react in time, for example because the link is down.</returns>
    public static bool TryDisableTx<TRegisters>(IxgbeDevice<TRegisters> device, int block)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(block + Txdctl, 0);
        return RegisterWait.TryUntil(device.Registers, block + Txdctl, TxdctlEnable, 0, DisableTime, out _);
    }
}
