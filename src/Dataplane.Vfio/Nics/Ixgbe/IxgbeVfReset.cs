using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeVfRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Brings a virtual function into a known state (82599 4.2.2 and 4.6.3).</summary>
internal static class IxgbeVfReset
{
    /// <summary>Queues that a virtual function can have registers for.</summary>
    public const int Queues = 8;

    /// <summary>Resets the function. Nothing is enabled behind it, and its physical function has to be told (VF_RESET).</summary>
    /// <exception cref="DataplaneException">The device does not answer, or its physical function is not there.</exception>
    public static void Run<TRegisters>(IxgbeDevice<TRegisters> device, VfMailbox<TRegisters> mailbox)
        where TRegisters : struct, IRegisterSpace
    {
        if (!device.IsThere)
            throw RegisterWait.NoAnswer(device.Name);
        MaskInterrupts(device);
        for (int i = 0; i < Queues; i++)
        {
            device.Write(TxBlock(i) + IxgbeRegisters.Txdctl, 0);
            device.Change(RxBlock(i) + IxgbeRegisters.Rxdctl, set: 0, clear: IxgbeRegisters.RxdctlEnable);
        }

        device.Flush();
        Thread.Sleep(2);
        device.Write(VfCtrl, VfCtrlReset);
        device.Flush();
        Thread.Sleep(device.Variant.ResetTime);
        if (!mailbox.WaitForPf(IxgbeDevice<TRegisters>.Bound))
        {
            throw new DataplaneException(
                $"{device.Name}: its physical function is being reset and does not come back (VFMAILBOX.RSTI)",
                "bring the physical function's interface up on the host: ip link set PF up");
        }

        MaskInterrupts(device);
        device.Write(VfPsrtype, 0);
    }

    /// <summary>No interrupt comes behind it.</summary>
    public static void MaskInterrupts<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(VtEimc, VtEimcAll);
        _ = device.Read(VtEicr);
    }

    /// <summary>Where the registers of a receive queue start.</summary>
    public static int RxBlock(int queue) => RxQueueBlock + (queue * IxgbeRegisters.QueueStride);

    /// <summary>Where the registers of a transmit queue start.</summary>
    public static int TxBlock(int queue) => TxQueueBlock + (queue * IxgbeRegisters.QueueStride);
}
