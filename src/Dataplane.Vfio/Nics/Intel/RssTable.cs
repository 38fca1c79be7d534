using System.Buffers.Binary;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// The hash key (RSSRK) and the table from hash to rx queue (RETA), which all Intel NICs from the 82574 to the X550 lay
/// out alike.
/// </summary>
internal static class RssTable
{
    /// <summary>Entries of the table, a byte each.</summary>
    public const int Length = 128;

    /// <summary>Writes the key and spreads the table over the first queues, in turn.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="key">Offset of RSSRK(0) in bytes.</param>
    /// <param name="table">Offset of RETA(0) in bytes.</param>
    /// <param name="queues">How many queues receive.</param>
    /// <param name="shift">The lowest bit of the queue's number within an entry: 7 on 82574, else 0.</param>
    public static void Write<TRegisters>(TRegisters registers, int key, int table, int queues, int shift = 0)
        where TRegisters : struct, IRegisterSpace
    {
        WriteKey(registers, key);
        Spread(registers, table, Length, queues, shift);
    }

    /// <summary>Writes the key alone.</summary>
    public static void WriteKey<TRegisters>(TRegisters registers, int key)
        where TRegisters : struct, IRegisterSpace
    {
        for (int i = 0; i < RssKey.Default.Length; i += sizeof(uint))
            registers.Write32(key + i, BinaryPrimitives.ReadUInt32LittleEndian(RssKey.Default[i..]));
    }

    /// <summary>Spreads a table over the first queues, in turn.</summary>
    /// <param name="registers">Of the device.</param>
    /// <param name="table">Offset of the table in bytes.</param>
    /// <param name="length">Its entries.</param>
    /// <param name="queues">How many queues receive.</param>
    /// <param name="shift">The lowest bit of the queue's number within an entry.</param>
    public static void Spread<TRegisters>(TRegisters registers, int table, int length, int queues, int shift = 0)
        where TRegisters : struct, IRegisterSpace
    {
        for (int i = 0; i < length; i += sizeof(uint))
        {
            uint entries = 0;
            for (int n = 0; n < sizeof(uint); n++)
                entries |= (uint)((i + n) % queues << shift) << (8 * n);
            registers.Write32(table + i, entries);
        }
    }
}
