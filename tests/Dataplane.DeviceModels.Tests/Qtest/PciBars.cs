using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>Sizes BARs and gives them addresses, as a firmware does (PCI Local Bus Specification 3.0, section 6.2.5).</summary>
internal static class PciBars
{
    /// <summary>Base address registers of a type 0 header.</summary>
    public const int Header = 0x10;

    /// <summary>Of a header, and of the SR-IOV capability.</summary>
    public const int Count = 6;

    private const uint IsPort = 1 << 0;
    private const uint TypeMask = 3 << 1;
    private const uint Is64Bit = 2 << 1;
    private const uint MemoryFlags = 0xF;

    /// <summary>Assigns all memory BARs that lie behind each other.</summary>
    /// <param name="configuration">Of the function.</param>
    /// <param name="offset">Of the first: <see cref="Header"/>, or in a capability.</param>
    /// <param name="copies">How many of each follow each other at one address: the VFs.</param>
    /// <param name="cursor">Where addresses are free; moved on.</param>
    /// <returns>Address and length by number; null where there is no memory BAR.</returns>
    public static (ulong Address, long Length)?[] Assign(
        IPciConfiguration configuration, int offset, int copies, ref ulong cursor)
    {
        var bars = new (ulong Address, long Length)?[Count];
        for (int i = 0; i < Count; i++)
        {
            int register = offset + (i * 4);
            configuration.Write32(register, uint.MaxValue);
            uint mask = configuration.Read32(register);
            if (mask == 0 || (mask & IsPort) != 0)
                continue;
            bool wide = (mask & TypeMask) == Is64Bit;
            uint length = ~(mask & ~MemoryFlags) + 1;
            cursor = (cursor + length - 1) & ~((ulong)length - 1);
            configuration.Write32(register, (uint)cursor);
            bars[i] = (cursor, length);
            cursor += (ulong)length * (uint)copies;
            if (wide)
                configuration.Write32(offset + (++i * 4), 0);
        }

        return bars;
    }
}
