namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// Registers of the 8254x (PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual, chapter 13)
/// and of the 82574 and 82583V (82574 data sheet, chapter 10), by the names that they have there. Offsets in bytes.
/// What only the 82574 and 82583V have says so.
/// </summary>
internal static class E1000Registers
{
    /// <summary>Device control.</summary>
    public const int Ctrl = 0x0000;

    /// <summary>Device status.</summary>
    public const int Status = 0x0008;

    /// <summary>EEPROM/flash control.</summary>
    public const int Eecd = 0x0010;

    /// <summary>Reads a word of the EEPROM (8254x; 82574 has it otherwise).</summary>
    public const int Eerd = 0x0014;

    /// <summary>Extended device control.</summary>
    public const int CtrlExt = 0x0018;

    /// <summary>EtherType of VLAN tags.</summary>
    public const int Vet = 0x0038;

    /// <summary>Interrupt causes; what is written as one is cleared.</summary>
    public const int Icr = 0x00C0;

    /// <summary>Least time between interrupts, in units of 256 ns.</summary>
    public const int Itr = 0x00C4;

    /// <summary>Interrupt mask, ones enable.</summary>
    public const int Ims = 0x00D0;

    /// <summary>Interrupt mask, ones disable.</summary>
    public const int Imc = 0x00D8;

    /// <summary>Causes that are cleared and masked when their message is sent (82574).</summary>
    public const int Eiac = 0x00DC;

    /// <summary>Which cause goes to which MSI-X vector (82574).</summary>
    public const int Ivar = 0x00E4;

    /// <summary>As <see cref="Itr"/>, of MSI-X vector 0 (82574).</summary>
    public const int Eitr0 = 0x00E8;

    /// <summary>Receive control.</summary>
    public const int Rctl = 0x0100;

    /// <summary>Transmit control.</summary>
    public const int Tctl = 0x0400;

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

    /// <summary>Within a queue's registers: high half of the ring's address.</summary>
    public const int BaseHigh = 0x04;

    /// <summary>Within a queue's registers: bytes of the ring.</summary>
    public const int Length = 0x08;

    /// <summary>Within a queue's registers: the descriptor that the device uses next.</summary>
    public const int Head = 0x10;

    /// <summary>Within a queue's registers: the descriptor behind the last that the device may use.</summary>
    public const int Tail = 0x18;

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

    /// <summary>Checksums of received frames.</summary>
    public const int Rxcsum = 0x5000;

    /// <summary>Receive filter and kind of descriptor (82574).</summary>
    public const int Rfctl = 0x5008;

    /// <summary>Multicast hash table, 128 registers.</summary>
    public const int Mta = 0x5200;

    /// <summary>First receive address.</summary>
    public const int Ral0 = 0x5400;

    /// <summary>Wake-up control.</summary>
    public const int Wuc = 0x5800;

    /// <summary>Spreading over rx queues (82574).</summary>
    public const int Mrqc = 0x5818;

    /// <summary>PCI Express control (82574).</summary>
    public const int Gcr = 0x5B00;

    /// <summary>PCI Express control, second register (82574).</summary>
    public const int Gcr2 = 0x5B64;

    /// <summary>From hash to rx queue (82574).</summary>
    public const int Reta = 0x5C00;

    /// <summary>The hash's key (82574).</summary>
    public const int Rssrk = 0x5C80;

    /// <summary>CTRL: the device shall not start new reads and writes of memory (82574).</summary>
    public const uint CtrlMasterDisable = 1u << 2;

    /// <summary>CTRL.SLU: let the link come up.</summary>
    public const uint CtrlSetLinkUp = 1u << 6;

    /// <summary>CTRL.FRCSPD: speed as software says instead of as negotiated.</summary>
    public const uint CtrlForceSpeed = 1u << 11;

    /// <summary>CTRL.FRCDPX: the same for duplex.</summary>
    public const uint CtrlForceDuplex = 1u << 12;

    /// <summary>CTRL.RST: reset everything but the PHY and the bus interface.</summary>
    public const uint CtrlReset = 1u << 26;

    /// <summary>CTRL.RFCE: obey pause frames.</summary>
    public const uint CtrlReceivePause = 1u << 27;

    /// <summary>CTRL.TFCE: send pause frames.</summary>
    public const uint CtrlTransmitPause = 1u << 28;

    /// <summary>CTRL bit 29: must be zero (82574).</summary>
    public const uint CtrlMustBeZero = 1u << 29;

    /// <summary>CTRL.VME: take VLAN tags out of received frames, insert them where tx descriptors say so.</summary>
    public const uint CtrlVlanMode = 1u << 30;

    /// <summary>CTRL.PHY_RST.</summary>
    public const uint CtrlPhyReset = 1u << 31;

    /// <summary>STATUS.FD.</summary>
    public const uint StatusFullDuplex = 1u << 0;

    /// <summary>STATUS.LU.</summary>
    public const uint StatusLinkUp = 1u << 1;

    /// <summary>STATUS.FUNCTION_ID: the second of a pair of ports (82546).</summary>
    public const uint StatusSecondPort = 1u << 2;

    /// <summary>STATUS.SPEED, two bits: 10, 100, 1000, 1000 Mbit/s.</summary>
    public const int StatusSpeedShift = 6;

    /// <summary>STATUS: reads and writes of memory may be going on (82574).</summary>
    public const uint StatusMasterEnabled = 1u << 19;

    /// <summary>EECD.AUTO_RD: what a reset reads from the EEPROM is read (82574).</summary>
    public const uint EecdAutoReadDone = 1u << 9;

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

    /// <summary>CTRL_EXT.DRV_LOAD: tells the management firmware that a driver is there.</summary>
    public const uint CtrlExtDriverLoaded = 1u << 28;

    /// <summary>CTRL_EXT.PBA: a message that was sent is not pending any more.</summary>
    public const uint CtrlExtClearPending = 1u << 31;

    /// <summary>EXTCNF_CTRL: software owns the PHY.</summary>
    public const uint ExtcnfSoftwareOwnsPhy = 1u << 5;

    /// <summary>LSC: the link changed.</summary>
    public const uint CauseLinkChange = 1u << 2;

    /// <summary>RxQ0 (82574); that of queue 1 is the next bit.</summary>
    public const uint CauseRxQueue0 = 1u << 20;

    /// <summary>Other: with MSI-X, what is neither of an rx nor of a tx queue (82574).</summary>
    public const uint CauseOther = 1u << 24;

    /// <summary>IVAR: an entry of four bits is valid.</summary>
    public const uint IvarValid = 1u << 3;

    /// <summary>IVAR: where the entry of "other" stands; that of rx queue n stands at 4 n.</summary>
    public const int IvarOtherShift = 16;

    /// <summary>RCTL.EN.</summary>
    public const uint RctlEnable = 1u << 1;

    /// <summary>RCTL.UPE: frames to any station.</summary>
    public const uint RctlUnicastPromiscuous = 1u << 3;

    /// <summary>RCTL.MPE: frames to any group.</summary>
    public const uint RctlMulticastPromiscuous = 1u << 4;

    /// <summary>RCTL.LPE: frames longer than 1522 bytes.</summary>
    public const uint RctlLongPackets = 1u << 5;

    /// <summary>RCTL.BAM: broadcasts.</summary>
    public const uint RctlBroadcast = 1u << 15;

    /// <summary>RCTL.BSIZE, two bits: 2048 bytes, halved each time; BSEX has 16 times as much.</summary>
    public const int RctlBufferSizeShift = 16;

    /// <summary>RCTL.BSEX.</summary>
    public const uint RctlBufferSizeExtension = 1u << 25;

    /// <summary>RCTL.SECRC: leave the FCS away.</summary>
    public const uint RctlStripCrc = 1u << 26;

    /// <summary>TCTL.EN.</summary>
    public const uint TctlEnable = 1u << 1;

    /// <summary>TCTL.PSP: pad short frames.</summary>
    public const uint TctlPadShort = 1u << 3;

    /// <summary>TCTL.CT: 15 retries, as Ethernet has it.</summary>
    public const uint TctlCollisionThreshold = 15u << 4;

    /// <summary>TCTL.COLD: 64 byte times, for full duplex.</summary>
    public const uint TctlCollisionDistance = 63u << 12;

    /// <summary>TCTL.RTLC: send again after a late collision.</summary>
    public const uint TctlRetransmitLate = 1u << 24;

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

    /// <summary>RXCSUM.IPOFL: check IPv4 headers.</summary>
    public const uint RxcsumIp = 1u << 8;

    /// <summary>RXCSUM.TUOFL: check TCP and UDP.</summary>
    public const uint RxcsumL4 = 1u << 9;

    /// <summary>RXCSUM.PCSD: descriptors have the RSS hash instead of a checksum over the frame (82574).</summary>
    public const uint RxcsumRssHash = 1u << 13;

    /// <summary>RFCTL.ACK_DIS: acknowledgements interrupt no sooner than other frames (82574).</summary>
    public const uint RfctlNoAckInterrupt = 1u << 12;

    /// <summary>RFCTL.EXTEN: extended receive descriptors (82574).</summary>
    public const uint RfctlExtendedDescriptors = 1u << 15;

    /// <summary>MRQC: spread by hash.</summary>
    public const uint MrqcEnable = 1;

    /// <summary>MRQC: hash addresses and TCP ports of IPv4, and of IPv6.</summary>
    public const uint MrqcTcp = (1u << 16) | (1u << 18);

    /// <summary>MRQC: hash addresses of IPv4, of IPv6 with extensions, and of IPv6.</summary>
    public const uint MrqcIp = (1u << 17) | (1u << 19) | (1u << 20);

    /// <summary>GCR bit 22, and L1 without L0s on the receive side (82574).</summary>
    public const uint GcrMustBeOne = (1u << 22) | (1u << 27);

    /// <summary>GCR2 bit 0: completions that arrive late are waited for (82574).</summary>
    public const uint Gcr2MustBeOne = 1;
}
