namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// Registers of a VF (82576 data sheet 8.26, I350 8.27), by the names that they have there. Offsets in bytes. Those of queues
/// are in <see cref="IgbQueueRegisters"/>; bits of VTCTRL and VTSTATUS are those of the PF's CTRL and STATUS.
/// </summary>
internal static class IgbVfRegisters
{
    /// <summary>Control.</summary>
    public const int Vtctrl = 0x0000;

    /// <summary>Status.</summary>
    public const int Vtstatus = 0x0008;

    /// <summary>Words of the mailbox.</summary>
    public const int Vmbmem = 0x0800;

    /// <summary>Control of the mailbox.</summary>
    public const int V2pMailbox = 0x0C40;

    /// <summary>Multicast packets received; this and the next run on and wrap.</summary>
    public const int Vfmprc = 0x0F3C;

    /// <summary>Packets received from the device itself.</summary>
    public const int Vfgprlbc = 0x0F40;

    /// <summary>Packets sent to the device itself.</summary>
    public const int Vfgptlbc = 0x0F44;

    /// <summary>Octets received from the device itself.</summary>
    public const int Vfgorlbc = 0x0F48;

    /// <summary>Octets sent to the device itself.</summary>
    public const int Vfgotlbc = 0x0F50;

    /// <summary>Vectors, ones enable.</summary>
    public const int Vteims = 0x1524;

    /// <summary>Vectors, ones disable.</summary>
    public const int Vteimc = 0x1528;

    /// <summary>Vectors whose cause is cleared when their message is sent.</summary>
    public const int Vteiac = 0x152C;

    /// <summary>Vectors that have something to say; cleared by reading.</summary>
    public const int Vteicr = 0x1580;

    /// <summary>Least time between interrupts, a register for each vector.</summary>
    public const int Vteitr0 = 0x1680;

    /// <summary>Which queue goes to which vector: bytes for rx 0, tx 0, rx 1, tx 1.</summary>
    public const int Vtivar = 0x1700;

    /// <summary>Which vector the mailbox goes to.</summary>
    public const int VtivarMisc = 0x1740;
}
