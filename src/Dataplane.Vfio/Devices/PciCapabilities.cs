namespace Dataplane.Vfio.Devices;

/// <summary>Walks the capability list of a function (PCI Local Bus Specification 3.0, section 6.7).</summary>
internal static class PciCapabilities
{
    /// <summary>Message signalled interrupts.</summary>
    public const byte Msi = 0x05;

    /// <summary>Vendor specific; what virtio places its structures with.</summary>
    public const byte VendorSpecific = 0x09;

    /// <summary>PCI Express.</summary>
    public const byte Express = 0x10;

    /// <summary>Message signalled interrupts with a table.</summary>
    public const byte MsiX = 0x11;

    private const int Status = 0x06;
    private const int StatusHasList = 1 << 4;
    private const int Pointer = 0x34;

    // In the capability of MSI-X, section 6.8.2.
    private const int MsiXControl = 2;
    private const ushort MsiXEnable = 1 << 15;

    /// <summary>Capabilities are at least 4 bytes in what the 64-byte header leaves of 256; a longer list is a loop.</summary>
    private const int Most = (256 - 64) / 4;

    /// <summary>Offsets of all capabilities of a kind, in the order of the list.</summary>
    public static IEnumerable<int> Find(IPciConfiguration configuration, byte id)
    {
        if ((configuration.Read16(Status) & StatusHasList) == 0)
            yield break;
        int offset = configuration.Read8(Pointer) & ~3;
        for (int i = 0; i < Most && offset >= 0x40; i++)
        {
            if (configuration.Read8(offset) == id)
                yield return offset;
            offset = configuration.Read8(offset + 1) & ~3;
        }
    }

    /// <summary>Whether the function interrupts by MSI-X now.</summary>
    public static bool IsMsiXEnabled(IPciConfiguration configuration) =>
        Find(configuration, MsiX).Any(capability => (configuration.Read16(capability + MsiXControl) & MsiXEnable) != 0);
}
