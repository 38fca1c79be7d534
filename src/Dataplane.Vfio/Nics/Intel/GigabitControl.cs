using Dataplane.Packets;
using Dataplane.Vfio.Devices;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>What is done alike to the registers of all gigabit MACs, outside of the queues' own. Control plane only.</summary>
/// <param name="registers">Of the device.</param>
/// <param name="device">The device's name, for errors.</param>
internal readonly struct GigabitControl<TRegisters>(TRegisters registers, string device)
    where TRegisters : struct, IRegisterSpace
{
    private const int MulticastTableLength = 128;

    /// <summary>Tells firmware that a driver is there, or that it is gone (PCI Express).</summary>
    public void SetDriverLoaded(bool loaded)
    {
        uint control = registers.Read32(CtrlExt);
        registers.Write32(CtrlExt, loaded ? control | CtrlExtDriverLoaded : control & ~CtrlExtDriverLoaded);
    }

    /// <summary>
    /// A reset in the middle of an access may hang the bus (PCI Express: 82574 data sheet, "master disable"; 82576 5.2.3.3).
    /// Not all devices say that it ended.
    /// </summary>
    public void EndMemoryAccess()
    {
        registers.Write32(Ctrl, registers.Read32(Ctrl) | CtrlMasterDisable);
        _ = RegisterWait.TryUntil(registers, Status, StatusMasterEnabled, 0, TimeSpan.FromMilliseconds(80), out _);
    }

    /// <summary>The address that a reset has loaded from the EEPROM.</summary>
    /// <exception cref="DataplaneException">There is none.</exception>
    public MacAddress ReadMacAddress()
    {
        MacAddress address = ReceiveAddress.Read(registers, Ral0, 0);
        return address.IsUnicast
            ? address
            : throw new DataplaneException(
                $"{device} has no MAC address in its EEPROM ({address})", "write the EEPROM anew with the vendor's tool");
    }

    /// <summary>Sets the address that the device receives for.</summary>
    public void SetMacAddress(MacAddress address) => ReceiveAddress.Write(registers, Ral0, 0, address);

    /// <summary>Has the device receive for an address and no other, whatever was in its tables.</summary>
    /// <param name="address">The address.</param>
    /// <param name="receiveAddresses">How many the device has room for.</param>
    public void PrepareFilters(MacAddress address, int receiveAddresses)
    {
        for (int i = 0; i < MulticastTableLength; i++)
            registers.Write32(Mta + (i * sizeof(uint)), 0);
        SetMacAddress(address);
        for (int i = 1; i < receiveAddresses; i++)
            ReceiveAddress.Clear(registers, Ral0, i);
    }
}
