namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// Registers of the 8254x (PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual, chapter 13)
/// and of the 82574 and 82583V (82574 data sheet, chapter 10) that are not alike in all gigabit MACs
/// (<see cref="Intel.GigabitRegisters"/>), by the names that they have there. Offsets in bytes. What only the 82574 and 82583V have says so.
/// </summary>
internal static class E1000Registers
{
    /// <summary>Reads a word of the EEPROM (8254x; 82574 has it otherwise).</summary>
    public const int Eerd = 0x0014;

    /// <summary>Least time between interrupts, in units of 256 ns.</summary>
    public const int Itr = 0x00C4;

    /// <summary>Causes that are cleared and masked when their message is sent (82574).</summary>
    public const int Eiac = 0x00DC;

    /// <summary>Which cause goes to which MSI-X vector (82574).</summary>
    public const int Ivar = 0x00E4;

    /// <summary>As <see cref="Itr"/>, of MSI-X vector 0 (82574).</summary>
    public const int Eitr0 = 0x00E8;

    /// <summary>Gap between frames sent.</summary>
    public const int Tipg = 0x0410;

    /// <summary>Who may use the PHY: software or the management firmware (82574).</summary>
    public const int ExtcnfCtrl = 0x0F00;

    /// <summary>KiB of the packet buffer that receiving gets; the rest is for sending.</summary>
    public const int Pba = 0x1000;

    /// <summary>Receive descriptors: registers of the first queue, <see cref="QueueStride"/> apart.</summary>
    public const int Rdbal0 = 0x2800;

    /// <summary>Transmit descriptors: registers of the first queue.</summary>
    public const int Tdbal0 = 0x3800;

    /// <summary>From the registers of a queue to those of the next.</summary>
    public const int QueueStride = 0x100;

    /// <summary>Within a queue's registers: when descriptors are fetched and written back.</summary>
    public const int Thresholds = 0x28;

    /// <summary>Delay of receive interrupts.</summary>
    public const int Rdtr = 0x2820;

    /// <summary>The longest delay of receive interrupts.</summary>
    public const int Radv = 0x282C;

    /// <summary>Arbitration of the first tx queue (82574).</summary>
    public const int Tarc0 = 0x3840;

    /// <summary>Frames lost because the ring had no buffer; they may have been kept in the packet buffer.</summary>
    public const int Rnbc = 0x40A0;

    /// <summary>TCP segmentation contexts that failed.</summary>
    public const int Tsctfc = 0x40FC;

    /// <summary>Interrupts asserted (82574).</summary>
    public const int Iac = 0x4100;

    /// <summary>PCI Express control (82574).</summary>
    public const int Gcr = 0x5B00;

    /// <summary>PCI Express control, second register (82574).</summary>
    public const int Gcr2 = 0x5B64;

    /// <summary>CTRL bit 29: must be zero (82574).</summary>
    public const uint CtrlMustBeZero = 1u << 29;

    /// <summary>STATUS.FUNCTION_ID: the second of a pair of ports (82546).</summary>
    public const uint StatusSecondPort = 1u << 2;

    /// <summary>EERD.START.</summary>
    public const uint EerdStart = 1u << 0;

    /// <summary>EERD.DONE.</summary>
    public const uint EerdDone = 1u << 4;

    /// <summary>EERD: lowest bit of the word's number.</summary>
    public const int EerdAddressShift = 8;

    /// <summary>EERD: lowest bit of the word.</summary>
    public const int EerdDataShift = 16;

    /// <summary>CTRL_EXT bit 22: must be one (82574).</summary>
    public const uint CtrlExtMustBeOne = 1u << 22;

    /// <summary>CTRL_EXT bit 23: must be zero.</summary>
    public const uint CtrlExtMustBeZero = 1u << 23;

    /// <summary>CTRL_EXT.PBA: a message that was sent is not pending any more.</summary>
    public const uint CtrlExtClearPending = 1u << 31;

    /// <summary>EXTCNF_CTRL: software owns the PHY.</summary>
    public const uint ExtcnfSoftwareOwnsPhy = 1u << 5;

    /// <summary>RxQ0 (82574); that of queue 1 is the next bit.</summary>
    public const uint CauseRxQueue0 = 1u << 20;

    /// <summary>Other: with MSI-X, what is neither of an rx nor of a tx queue (82574).</summary>
    public const uint CauseOther = 1u << 24;

    /// <summary>IVAR: an entry of four bits is valid.</summary>
    public const uint IvarValid = 1u << 3;

    /// <summary>IVAR: where the entry of "other" stands; that of rx queue n stands at 4 n.</summary>
    public const int IvarOtherShift = 16;

    /// <summary>RCTL.BSIZE, two bits: 2048 bytes, halved each time; BSEX has 16 times as much.</summary>
    public const int RctlBufferSizeShift = 16;

    /// <summary>RCTL.BSEX.</summary>
    public const uint RctlBufferSizeExtension = 1u << 25;

    /// <summary>TCTL.CT: 15 retries, as Ethernet has it.</summary>
    public const uint TctlCollisionThreshold = 15u << 4;

    /// <summary>TCTL.COLD: 64 byte times, for full duplex.</summary>
    public const uint TctlCollisionDistance = 63u << 12;

    /// <summary>TCTL.MULR: several reads under way at once (82574).</summary>
    public const uint TctlMultipleRequests = 1u << 28;

    /// <summary>TIPG of a copper PHY: IPGT 10, IPGR1 8, IPGR2 6.</summary>
    public const uint TipgCopper = 10 | (8 << 10) | (6 << 20);

    /// <summary>RXDCTL: prefetch when 32 are left and 4 are there; in descriptors, each written back at once.</summary>
    public const uint RxThresholds = 32 | (4 << 8) | (1 << 16) | (1 << 24);

    /// <summary>TXDCTL: prefetch when 31 are left; count in descriptors, write back what asks for it at once.</summary>
    public const uint TxThresholds = 31 | (1 << 8) | (1 << 24);

    /// <summary>TXDCTL bit 22: must be one (82574).</summary>
    public const uint TxThresholdsMustBeOne = 1u << 22;

    /// <summary>TARC0 bits 30:27, which must be zero, and bit 26, which must be one (82574).</summary>
    public const uint TarcMustBeZero = 0xFu << 27;

    /// <inheritdoc cref="TarcMustBeZero"/>
    public const uint TarcMustBeOne = 1u << 26;

    /// <summary>RFCTL.ACK_DIS: acknowledgements interrupt no sooner than other frames (82574).</summary>
    public const uint RfctlNoAckInterrupt = 1u << 12;

    /// <summary>RFCTL.EXTEN: extended receive descriptors (82574).</summary>
    public const uint RfctlExtendedDescriptors = 1u << 15;

    /// <summary>MRQC: spread by hash.</summary>
    public const uint MrqcEnable = 1;

    /// <summary>MRQC: hash addresses and TCP ports of IPv4, and of IPv6.</summary>
    public const uint MrqcTcp = (1u << 16) | (1u << 18);

    /// <summary>GCR bit 22, and L1 without L0s on the receive side (82574).</summary>
    public const uint GcrMustBeOne = (1u << 22) | (1u << 27);

    /// <summary>GCR2 bit 0: completions that arrive late are waited for (82574).</summary>
    public const uint Gcr2MustBeOne = 1;
}
