using System.Buffers.Binary;
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

    /// <summary>The key that Microsoft's RSS verification suite publishes, which DPDK's Intel drivers use too.</summary>
    private static ReadOnlySpan<byte> Key =>
    [
        0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
        0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
        0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
        0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
    ];

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
        for (int i = 0; i < Key.Length; i += sizeof(uint))
            registers.Write32(key + i, BinaryPrimitives.ReadUInt32LittleEndian(Key[i..]));
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
