namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// Registers of the 82576 (data sheet, chapter 8), I350 (chapter 8) and I210/I211 (chapter 8) that are not alike in all gigabit
/// MACs (<see cref="Intel.GigabitRegisters"/>), by the names that they have there. Offsets in bytes. Those of queues are in
/// <see cref="IgbQueueRegisters"/>.
/// </summary>
internal static class IgbRegisters
{
    /// <summary>Power management of the PHY (I350 and I210).</summary>
    public const int Phpm = 0x0E14;

    /// <summary>General purpose interrupts: which mode they are in.</summary>
    public const int Gpie = 0x1514;

    /// <summary>Vectors, ones enable.</summary>
    public const int Eims = 0x1524;

    /// <summary>Vectors, ones disable.</summary>
    public const int Eimc = 0x1528;

    /// <summary>Vectors whose cause is cleared when their message is sent.</summary>
    public const int Eiac = 0x152C;

    /// <summary>Vectors that have something to say.</summary>
    public const int Eicr = 0x1580;

    /// <summary>Least time between interrupts, a register for each vector.</summary>
    public const int Eitr0 = 0x1680;

    /// <summary>Which queue goes to which vector, eight registers.</summary>
    public const int Ivar0 = 0x1700;

    /// <summary>Which vector all other causes go to.</summary>
    public const int IvarMisc = 0x1740;

    /// <summary>Longest frame that is received, from destination address to FCS.</summary>
    public const int Rlpml = 0x5004;

    /// <summary>Virtual machines that share the device.</summary>
    public const int VtCtl = 0x581C;

    /// <summary>Semaphore between drivers, and between software and firmware.</summary>
    public const int Swsm = 0x5B50;

    /// <summary>What of the device software or firmware owns.</summary>
    public const int SwFwSync = 0x5B5C;

    /// <summary>Unicast hash table, 128 registers (82576 and I350).</summary>
    public const int Uta = 0xA000;

    /// <summary>Offloads of a queue (I350 and I210), <see cref="IgbQueueRegisters.Stride"/> apart.</summary>
    public const int Dvmolr0 = 0xC038;

    /// <summary>STATUS.LAN_ID: which port of the device this is; two bits.</summary>
    public const int StatusLanIdShift = 2;

    /// <summary>PHPM: keep the link down.</summary>
    public const uint PhpmLinkDown = 1u << 5;

    /// <summary>GPIE.NSICR: reading ICR clears it in any case.</summary>
    public const uint GpieClearOnRead = 1u << 0;

    /// <summary>GPIE: a vector for each cause instead of one for all.</summary>
    public const uint GpieMsiX = 1u << 4;

    /// <summary>GPIE.PBA_support: a pending message is dropped when its cause is cleared.</summary>
    public const uint GpieClearPending = 1u << 31;

    /// <summary>IVAR: the vector number beside it counts.</summary>
    public const uint IvarValid = 0x80;

    /// <summary>MRQC: queues by RSS.</summary>
    public const uint MrqcRss = 2;

    /// <summary>MRQC: hash addresses and ports of TCP over IPv4, and IPv6 with extension headers and without.</summary>
    public const uint MrqcTcp = (1u << 16) | (1u << 18) | (1u << 21);

    /// <summary>MRQC: hash addresses and ports of UDP over the same.</summary>
    public const uint MrqcUdp = (1u << 22) | (1u << 23) | (1u << 24);

    /// <summary>SWSM.SMBI: a driver uses the registers; taken by reading it as zero.</summary>
    public const uint SwsmDriver = 1u << 0;

    /// <summary>SWSM.SWESMBI: software uses SW_FW_SYNC; written, and taken if it then reads as one.</summary>
    public const uint SwsmSoftware = 1u << 1;

    /// <summary>SW_FW_SYNC: what software owns; the same bits for firmware follow 16 bits higher.</summary>
    public const int SwFwSyncFirmwareShift = 16;

    /// <summary>DVMOLR.STRCRC: the FCS does not go to memory.</summary>
    public const uint DvmolrStripCrc = 1u << 31;
}
