using Dataplane.Packets;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// The table of exact addresses that a NIC receives for, pairs of registers RAL and RAH, alike in all Intel NICs from the
/// 82540 to the X550.
/// </summary>
internal static class ReceiveAddress
{
    /// <summary>RAH.AV.</summary>
    private const uint AddressValid = 1u << 31;

    /// <summary>RAH's low half is the end of the address.</summary>
    private const uint AddressHigh = 0xFFFF;

    /// <summary>Reads an entry; zero if it is not valid.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="table">Offset of RAL(0) in bytes.</param>
    /// <param name="index">Of the entry; 0 is the device's own address, loaded from its EEPROM by a reset.</param>
    public static MacAddress Read<TRegisters>(TRegisters registers, int table, int index)
        where TRegisters : struct, IRegisterSpace
    {
        uint low = registers.Read32(Low(table, index));
        uint high = registers.Read32(High(table, index));
        return (high & AddressValid) == 0 ? default : new MacAddress(low | ((ulong)(high & AddressHigh) << 32));
    }

    /// <summary>Sets an entry. It is invalid in between, so that no mixture of two addresses is received for.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="table">Offset of RAL(0) in bytes.</param>
    /// <param name="index">Of the entry.</param>
    /// <param name="address">The address.</param>
    /// <param name="selection">Other bits of RAH that the device has, such as the pool that receives.</param>
    public static void Write<TRegisters>(
        TRegisters registers, int table, int index, MacAddress address, uint selection = 0)
        where TRegisters : struct, IRegisterSpace
    {
        Clear(registers, table, index);
        registers.Write32(Low(table, index), (uint)address.Wire);
        registers.Write32(High(table, index), (uint)(address.Wire >> 32) | selection | AddressValid);
    }

    /// <summary>Takes an entry away.</summary>
    public static void Clear<TRegisters>(TRegisters registers, int table, int index)
        where TRegisters : struct, IRegisterSpace =>
        registers.Write32(High(table, index), 0);

    private static int Low(int table, int index) => table + (8 * index);

    private static int High(int table, int index) => Low(table, index) + 4;
}
