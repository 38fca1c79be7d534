using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Brings a physical function into a known state, whoever had it before (82599 4.6.3).</summary>
internal static class IxgbeReset
{
    private const int Queues = 128;

    /// <summary>PCIe capability, Device Status.Transactions Pending (PCI Express Base Specification 3.0, 7.8.5).</summary>
    private const int DeviceStatus = 0x0A;
    private const int TransactionsPending = 1 << 5;

    /// <summary>
    /// Resets the device. Behind it nothing is enabled, all filters are empty but the device's own address, and no interrupt
    /// comes.
    /// </summary>
    /// <exception cref="DataplaneException">The device does not answer or does not come back.</exception>
    public static void Run<TRegisters>(IxgbeDevice<TRegisters> device, IPciConfiguration configuration)
        where TRegisters : struct, IRegisterSpace
    {
        if (!device.IsThere)
            throw RegisterWait.NoAnswer(device.Name);
        MaskInterrupts(device);
        Halt(device);
        bool isQuiet = TryDisableMaster(device);
        if (!isQuiet)
            DropPendingTransmits(device, configuration);
        ResetDevice(device);
        if (!isQuiet)
            ResetDevice(device); // 5.2.5.3.2: requests that were pending need a second one
        MaskInterrupts(device);
        device.WaitSet(Eec, EecAutoReadDone, "EEC.AUTO_RD: the configuration to be read from the EEPROM");
        device.WaitSet(Rdrxctl, RdrxctlDmaInitDone, "RDRXCTL.DMAIDONE: the DMA engines to be ready");
        device.Change(CtrlExt, set: CtrlExtNoSnoopDisable | CtrlExtDriverLoaded, clear: 0);
        ClearFilters(device);
        ClearRateLimits(device);
    }

    /// <summary>Tells the firmware that the driver is gone.</summary>
    public static void Release<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        MaskInterrupts(device);
        device.Change(CtrlExt, set: 0, clear: CtrlExtDriverLoaded);
        device.Flush();
    }

    /// <summary>4.6.3.1: no interrupt may come before the driver is ready for it.</summary>
    private static void MaskInterrupts<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(Eimc, EimcAll);
        device.Write(EimcEx, uint.MaxValue);
        device.Write(EimcEx + sizeof(uint), uint.MaxValue);
        _ = device.Read(Eicr);
    }

    /// <summary>What another driver left running starts no more DMA.</summary>
    private static void Halt<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        IxgbeReceive.SetEnabled(device, enabled: false);
        for (int i = 0; i < Queues; i++)
        {
            device.Change(IxgbeQueues.Tx(i) + Txdctl, set: 0, clear: TxdctlEnable);
            device.Change(IxgbeQueues.Rx(i) + Rxdctl, set: 0, clear: RxdctlEnable);
        }

        device.Flush();
        Thread.Sleep(2);
    }

    /// <summary>5.2.5.3.2: a reset during the device's own requests may hang the bus.</summary>
    private static bool TryDisableMaster<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(Ctrl, set: CtrlPcieMasterDisable, clear: 0);
        return RegisterWait.TryUntil(
            device.Registers, Status, StatusPcieMasterEnabled, 0, TimeSpan.FromMilliseconds(80), out _);
    }

    /// <summary>5.2.5.3.2: what is stuck on its way to the wire is thrown away, in loopback so that nobody sees half a frame.</summary>
    private static void DropPendingTransmits<TRegisters>(IxgbeDevice<TRegisters> device, IPciConfiguration configuration)
        where TRegisters : struct, IRegisterSpace
    {
        foreach (int express in PciCapabilities.Find(configuration, PciCapabilities.Express))
        {
            for (int i = 0; i < 80 && (configuration.Read16(express + DeviceStatus) & TransactionsPending) != 0; i++)
                Thread.Sleep(1);
        }

        device.Change(Hlreg0, set: Hlreg0Loopback, clear: 0);
        device.Change(GcrExt, set: GcrExtBuffersClear, clear: 0);
        device.Flush();
        Thread.Sleep(3);
        device.Change(Hlreg0, set: 0, clear: Hlreg0Loopback);
        device.Change(GcrExt, set: 0, clear: GcrExtBuffersClear);
    }

    /// <summary>4.2.1.6.1: device reset; with the link on 82599 while that is down, since the PHY may be firmware's otherwise.</summary>
    private static void ResetDevice<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        uint reset = CtrlDeviceReset;
        if (device.Variant.Family == IxgbeFamily.I82599 && (device.Read(Links) & LinksUp) == 0)
            reset |= CtrlLinkReset;
        using (IxgbeCopperPhy.Hold(device))
        {
            device.Change(Ctrl, set: reset, clear: 0);
            device.Flush();
            Thread.Sleep(1);
            device.WaitClear(Ctrl, CtrlDeviceReset | CtrlLinkReset, "CTRL.RST to clear");
        }

        Thread.Sleep(device.Variant.ResetTime);
    }

    /// <summary>4.6.7: tables that a reset leaves undefined.</summary>
    private static void ClearFilters<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(Mcstctrl, set: 0, clear: McstctrlFilterEnable);
        Clear(device, Mta, MtaCount);
        Clear(device, Vfta, VftaCount);
        Clear(device, Pfuta, PfutaCount);
        Clear(device, Pfvlvf, PfvlvfCount);
        Clear(device, Pfvlvfb, PfvlvfbCount);
        Clear(device, Ftqf, FtqfCount);
        Clear(device, Mpsar, 2 * RalCount);
        device.Write(Mpsar, 1); // pool 0, the only one, has the own address
        for (int i = 1; i < RalCount; i++)
            ReceiveAddress.Clear(device.Registers, Ral, i);
    }

    private static void Clear<TRegisters>(IxgbeDevice<TRegisters> device, int first, int count)
        where TRegisters : struct, IRegisterSpace
    {
        for (int i = 0; i < count; i++)
            device.Write(first + (i * sizeof(uint)), 0);
    }

    /// <summary>8.2.3.10.16: the rates of the queues are undefined after a reset.</summary>
    private static void ClearRateLimits<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        for (int i = 0; i < Queues; i++)
        {
            device.Write(Rttdqsel, (uint)i);
            device.Write(Rttbcnrc, 0);
        }
    }
}
