namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// Registers of the 82576 (data sheet, chapter 8), I350 (chapter 8) and I210/I211 (chapter 8), by the names that they have
/// there. Offsets in bytes. Those of queues are in <see cref="IgbQueueRegisters"/>.
/// </summary>
internal static class IgbRegisters
{
    /// <summary>Device control.</summary>
    public const int Ctrl = 0x0000;

    /// <summary>Device status.</summary>
    public const int Status = 0x0008;

    /// <summary>EEPROM/flash control.</summary>
    public const int Eecd = 0x0010;

    /// <summary>Extended device control.</summary>
    public const int CtrlExt = 0x0018;

    /// <summary>EtherTypes of VLAN tags.</summary>
    public const int Vet = 0x0038;

    /// <summary>Interrupt causes; cleared by reading.</summary>
    public const int Icr = 0x00C0;

    /// <summary>Interrupt mask, ones enable.</summary>
    public const int Ims = 0x00D0;

    /// <summary>Interrupt mask, ones disable.</summary>
    public const int Imc = 0x00D8;

    /// <summary>Receive control.</summary>
    public const int Rctl = 0x0100;

    /// <summary>Transmit control.</summary>
    public const int Tctl = 0x0400;

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

    /// <summary>Checksums of received frames.</summary>
    public const int Rxcsum = 0x5000;

    /// <summary>Longest frame that is received, from destination address to FCS.</summary>
    public const int Rlpml = 0x5004;

    /// <summary>Receive filter.</summary>
    public const int Rfctl = 0x5008;

    /// <summary>Multicast hash table, 128 registers.</summary>
    public const int Mta = 0x5200;

    /// <summary>First of 16 receive addresses.</summary>
    public const int Ral0 = 0x5400;

    /// <summary>Wake-up control.</summary>
    public const int Wuc = 0x5800;

    /// <summary>Spreading over rx queues.</summary>
    public const int Mrqc = 0x5818;

    /// <summary>Virtual machines that share the device.</summary>
    public const int VtCtl = 0x581C;

    /// <summary>Semaphore between drivers, and between software and firmware.</summary>
    public const int Swsm = 0x5B50;

    /// <summary>What of the device software or firmware owns.</summary>
    public const int SwFwSync = 0x5B5C;

    /// <summary>From hash to rx queue.</summary>
    public const int Reta = 0x5C00;

    /// <summary>The hash's key.</summary>
    public const int Rssrk = 0x5C80;

    /// <summary>Unicast hash table, 128 registers (82576 and I350).</summary>
    public const int Uta = 0xA000;

    /// <summary>Offloads of a queue (I350 and I210), <see cref="IgbQueueRegisters.Stride"/> apart.</summary>
    public const int Dvmolr0 = 0xC038;

    /// <summary>CTRL: the device shall not start new reads and writes of memory.</summary>
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

    /// <summary>CTRL.VME: take VLAN tags out of received frames.</summary>
    public const uint CtrlVlanMode = 1u << 30;

    /// <summary>CTRL.PHY_RST.</summary>
    public const uint CtrlPhyReset = 1u << 31;

    /// <summary>STATUS.FD: full duplex.</summary>
    public const uint StatusFullDuplex = 1u << 0;

    /// <summary>STATUS.LU: the link is up.</summary>
    public const uint StatusLinkUp = 1u << 1;

    /// <summary>STATUS.LAN_ID: which port of the device this is; two bits.</summary>
    public const int StatusLanIdShift = 2;

    /// <summary>STATUS.SPEED: 10, 100, 1000, 1000 megabits per second; two bits.</summary>
    public const int StatusSpeedShift = 6;

    /// <summary>STATUS: the device still may read and write memory.</summary>
    public const uint StatusMasterEnabled = 1u << 19;

    /// <summary>EECD.AUTO_RD: the EEPROM is read.</summary>
    public const uint EecdAutoReadDone = 1u << 9;

    /// <summary>CTRL_EXT.DRV_LOAD: a driver is there.</summary>
    public const uint CtrlExtDriverLoaded = 1u << 28;

    /// <summary>IMS.LSC: the link changed.</summary>
    public const uint CauseLinkChange = 1u << 2;

    /// <summary>RCTL.EN.</summary>
    public const uint RctlEnable = 1u << 1;

    /// <summary>RCTL.UPE: frames to any station.</summary>
    public const uint RctlUnicastPromiscuous = 1u << 3;

    /// <summary>RCTL.MPE: frames to any group.</summary>
    public const uint RctlMulticastPromiscuous = 1u << 4;

    /// <summary>RCTL.LPE: frames up to RLPML instead of 1518 bytes, 1522 with a tag.</summary>
    public const uint RctlLongPackets = 1u << 5;

    /// <summary>RCTL.BAM: broadcasts.</summary>
    public const uint RctlBroadcast = 1u << 15;

    /// <summary>RCTL.SECRC: the FCS does not go to memory.</summary>
    public const uint RctlStripCrc = 1u << 26;

    /// <summary>TCTL.EN.</summary>
    public const uint TctlEnable = 1u << 1;

    /// <summary>TCTL.PSP: pad short frames to 64 bytes.</summary>
    public const uint TctlPadShort = 1u << 3;

    /// <summary>TCTL.RTLC: send again after a late collision.</summary>
    public const uint TctlRetransmitLate = 1u << 24;

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

    /// <summary>RXCSUM.IPOFLD: check that of IPv4.</summary>
    public const uint RxcsumIp = 1u << 8;

    /// <summary>RXCSUM.TUOFLD: check those of TCP and UDP.</summary>
    public const uint RxcsumL4 = 1u << 9;

    /// <summary>RXCSUM.PCSD: the descriptor has the RSS hash instead of a checksum.</summary>
    public const uint RxcsumRssHash = 1u << 13;

    /// <summary>MRQC: queues by RSS.</summary>
    public const uint MrqcRss = 2;

    /// <summary>MRQC: hash addresses of IPv4, and IPv6 with extension headers and without.</summary>
    public const uint MrqcIp = (1u << 17) | (1u << 19) | (1u << 20);

    /// <summary>MRQC: hash addresses and ports of TCP over the same.</summary>
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
