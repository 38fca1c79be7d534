using Dataplane.Vfio.Devices;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// The 10GBASE-T PHY of X540 and X550. Its firmware negotiates the link; the driver only wakes it, since the kernel's driver
/// leaves it in low-power mode when its interface is down.
/// </summary>
internal static class IxgbeCopperPhy
{
    /// <summary>Clause 45 addresses (IEEE 802.3, 45.2.1 and X540 data sheet 3.5.5): identifier, vendor-specific control.</summary>
    private const uint PmaPmd = 1;
    private const uint IdentifierHigh = 2;
    private const uint VendorSpecific1 = 30;
    private const uint Control = 0;
    private const uint LowPower = 1u << 11;
    private const int Addresses = 32;

    /// <summary>Status.LAN ID: which of the two ports this is.</summary>
    private const uint StatusLanId = 3u << 2;

    /// <summary>Keeps firmware and the other port away from the PHY; nothing to hold on 82599.</summary>
    public static IDisposable? Hold<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        if (device.Variant.Family == IxgbeFamily.I82599)
            return null;
        bool isFirst = (device.Read(Status) & StatusLanId) == 0;
        return IxgbeSemaphore<TRegisters>.Take(device, isFirst ? SwFwSyncPhy0 : SwFwSyncPhy1);
    }

    /// <summary>Takes the PHY out of low-power mode, if it has one that answers.</summary>
    public static void Wake<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace
    {
        if (device.Variant.Family == IxgbeFamily.I82599)
            return;
        using IDisposable? held = Hold(device);
        for (uint address = 0; address < Addresses; address++)
        {
            if (Read(device, address, PmaPmd, IdentifierHigh) is 0 or 0xFFFF)
                continue;
            uint control = Read(device, address, VendorSpecific1, Control);
            if ((control & LowPower) != 0)
                Write(device, address, VendorSpecific1, Control, control & ~LowPower);
            return;
        }
    }

    private static uint Read<TRegisters>(IxgbeDevice<TRegisters> device, uint phy, uint group, uint register)
        where TRegisters : struct, IRegisterSpace
    {
        Command(device, phy, group, register, MscaAddressCycle);
        Command(device, phy, group, register, MscaRead);
        return device.Read(Msrwd) >> MsrwdReadShift;
    }

    private static void Write<TRegisters>(IxgbeDevice<TRegisters> device, uint phy, uint group, uint register, uint value)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(Msrwd, value);
        Command(device, phy, group, register, MscaAddressCycle);
        Command(device, phy, group, register, MscaWrite);
    }

    /// <summary>8.2.3.22.11: MSCA.MDICMD clears itself when the cycle is over.</summary>
    private static void Command<TRegisters>(IxgbeDevice<TRegisters> device, uint phy, uint group, uint register, uint operation)
        where TRegisters : struct, IRegisterSpace
    {
        device.Write(Msca, register | (group << MscaDeviceShift) | (phy << MscaPhyShift) | operation | MscaCommand);
        device.WaitClear(Msca, MscaCommand, "MSCA.MDICMD: the PHY to answer");
    }
}
