using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Vfio;

/// <summary>Where the table of MSI-X vectors is, which belongs to the kernel (PCI Local Bus Specification 3.0, section 6.8.2).</summary>
/// <param name="Bar">The BAR that it is in.</param>
/// <param name="Offset">Where it starts in the BAR.</param>
/// <param name="Length">Bytes.</param>
internal sealed record MsixTable(int Bar, ulong Offset, ulong Length)
{
    private const int Control = 2;
    private const int ControlSizeMask = 0x7ff; // entries - 1
    private const int TableOffset = 4;
    private const uint BarMask = 0x7; // the rest of the register is the offset
    private const int EntryLength = 16;

    /// <summary>Reads it; null if the device has no MSI-X.</summary>
    public static MsixTable? Read(IPciConfiguration configuration)
    {
        foreach (int capability in PciCapabilities.Find(configuration, PciCapabilities.MsiX))
        {
            uint table = configuration.Read32(capability + TableOffset);
            int entries = (configuration.Read16(capability + Control) & ControlSizeMask) + 1;
            return new MsixTable((int)(table & BarMask), table & ~BarMask, (ulong)(entries * EntryLength));
        }

        return null;
    }
}
