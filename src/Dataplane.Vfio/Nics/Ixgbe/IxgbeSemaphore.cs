using System.Diagnostics;
using Dataplane.Vfio.Devices;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// A resource of the device that its firmware and the drivers of its other ports use too: the PHYs, the MAC's link registers
/// (82599 10.5.4, X540 11.7.5).
/// </summary>
/// <param name="device">The device.</param>
/// <param name="resource">Bits of SW_FW_SYNC.</param>
internal sealed class IxgbeSemaphore<TRegisters>(IxgbeDevice<TRegisters> device, uint resource) : IDisposable
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>The same as a register semaphore is to be given back after 10 ms at most, so 1 s means that its holder died.</summary>
    private static readonly TimeSpan Patience = IxgbeDevice<TRegisters>.Bound;

    /// <summary>
    /// Takes the resource. Whoever has it for longer than any use takes has died: the data sheets then let software take it.
    /// </summary>
    public static IxgbeSemaphore<TRegisters> Take(IxgbeDevice<TRegisters> device, uint resource)
    {
        var semaphore = new IxgbeSemaphore<TRegisters>(device, resource);
        uint anybody = resource | (resource << SwFwSyncFirmwareShift);
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            semaphore.LockRegister();
            uint held = device.Read(SwFwSync);
            bool isFree = (held & anybody) == 0 || Stopwatch.GetElapsedTime(start) >= Patience;
            if (isFree)
                device.Write(SwFwSync, held | resource);
            semaphore.UnlockRegister();
            if (isFree)
                return semaphore;
            Thread.Sleep(5);
        }
    }

    public void Dispose()
    {
        LockRegister();
        device.Change(SwFwSync, set: 0, clear: resource);
        UnlockRegister();
        device.Flush();
    }

    private void LockRegister()
    {
        // SMBI is among the drivers of the ports: whoever reads it as zero has set it by that.
        WaitUntilZero(Swsm, SwsmSemaphore);
        if (device.Variant.Family != IxgbeFamily.I82599)
        {
            WaitUntilZero(SwFwSync, SwFwSyncRegisterSemaphore);
            return;
        }

        // SWESMBI is between software and firmware: it is ours if it reads as set after it was set.
        long start = Stopwatch.GetTimestamp();
        do
            device.Change(Swsm, set: SwsmFirmwareSemaphore, clear: 0);
        while ((device.Read(Swsm) & SwsmFirmwareSemaphore) == 0 && Stopwatch.GetElapsedTime(start) < Patience);
    }

    private void UnlockRegister()
    {
        if (device.Variant.Family != IxgbeFamily.I82599)
            device.Change(SwFwSync, set: 0, clear: SwFwSyncRegisterSemaphore);
        device.Change(Swsm, set: 0, clear: SwsmSemaphore | SwsmFirmwareSemaphore);
        device.Flush();
    }

    private void WaitUntilZero(int register, uint bit)
    {
        long start = Stopwatch.GetTimestamp();
        while ((device.Read(register) & bit) != 0 && Stopwatch.GetElapsedTime(start) < Patience)
            Thread.Sleep(1);
    }
}
