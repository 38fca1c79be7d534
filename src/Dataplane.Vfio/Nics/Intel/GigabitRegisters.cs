namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// Registers and bits that all gigabit MACs have alike, 82540 to I210, by the names that they have in the data sheets (8254x
/// manual, chapter 13; 82574, chapter 10; 82576, I350 and I210, chapter 8). Offsets in bytes. What only some have says so.
/// </summary>
internal static class GigabitRegisters
{
    /// <summary>Device control.</summary>
    public const int Ctrl = 0x0000;

    /// <summary>Device status.</summary>
    public const int Status = 0x0008;

    /// <summary>EEPROM/flash control.</summary>
    public const int Eecd = 0x0010;

    /// <summary>Extended device control.</summary>
    public const int CtrlExt = 0x0018;

    /// <summary>EtherType of VLAN tags; from the 82576 on also that of outer tags in the upper half.</summary>
    public const int Vet = 0x0038;

    /// <summary>Interrupt causes. Reading clears them; on the 82574 writing ones does.</summary>
    public const int Icr = 0x00C0;

    /// <summary>Interrupt mask, ones enable.</summary>
    public const int Ims = 0x00D0;

    /// <summary>Interrupt mask, ones disable.</summary>
    public const int Imc = 0x00D8;

    /// <summary>Receive control.</summary>
    public const int Rctl = 0x0100;

    /// <summary>Transmit control.</summary>
    public const int Tctl = 0x0400;

    /// <summary>Checksums of received frames.</summary>
    public const int Rxcsum = 0x5000;

    /// <summary>Receive filter; on the 82574 the kind of descriptor, too.</summary>
    public const int Rfctl = 0x5008;

    /// <summary>Multicast hash table, 128 registers.</summary>
    public const int Mta = 0x5200;

    /// <summary>First of the receive addresses: 15 or 16 pairs of registers.</summary>
    public const int Ral0 = 0x5400;

    /// <summary>Wake-up control.</summary>
    public const int Wuc = 0x5800;

    /// <summary>Spreading over rx queues (from the 82574 on).</summary>
    public const int Mrqc = 0x5818;

    /// <summary>From hash to rx queue (from the 82574 on).</summary>
    public const int Reta = 0x5C00;

    /// <summary>The hash's key (from the 82574 on).</summary>
    public const int Rssrk = 0x5C80;

    /// <summary>CTRL: the device shall not start new reads and writes of memory (PCI Express).</summary>
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

    /// <summary>CTRL.VME: take VLAN tags out of received frames; before the 82576 also insert them where asked to.</summary>
    public const uint CtrlVlanMode = 1u << 30;

    /// <summary>CTRL.PHY_RST.</summary>
    public const uint CtrlPhyReset = 1u << 31;

    /// <summary>STATUS.FD: full duplex.</summary>
    public const uint StatusFullDuplex = 1u << 0;

    /// <summary>STATUS.LU: the link is up.</summary>
    public const uint StatusLinkUp = 1u << 1;

    /// <summary>STATUS.SPEED: 10, 100, 1000, 1000 Mbit/s; two bits.</summary>
    public const int StatusSpeedShift = 6;

    /// <summary>STATUS: the device may still read and write memory (PCI Express).</summary>
    public const uint StatusMasterEnabled = 1u << 19;

    /// <summary>EECD.AUTO_RD: what a reset reads from the EEPROM is read (PCI Express).</summary>
    public const uint EecdAutoReadDone = 1u << 9;

    /// <summary>CTRL_EXT.DRV_LOAD: tells the management firmware that a driver is there (PCI Express).</summary>
    public const uint CtrlExtDriverLoaded = 1u << 28;

    /// <summary>LSC: the link changed.</summary>
    public const uint CauseLinkChange = 1u << 2;

    /// <summary>RCTL.EN.</summary>
    public const uint RctlEnable = 1u << 1;

    /// <summary>RCTL.UPE: frames to any station.</summary>
    public const uint RctlUnicastPromiscuous = 1u << 3;

    /// <summary>RCTL.MPE: frames to any group.</summary>
    public const uint RctlMulticastPromiscuous = 1u << 4;

    /// <summary>RCTL.LPE: frames longer than 1518 bytes, 1522 with a tag; from the 82576 on up to RLPML.</summary>
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

    /// <summary>RXCSUM.IPOFL: check that of IPv4 headers.</summary>
    public const uint RxcsumIp = 1u << 8;

    /// <summary>RXCSUM.TUOFL: check those of TCP and UDP.</summary>
    public const uint RxcsumL4 = 1u << 9;

    /// <summary>RXCSUM.PCSD: descriptors have the RSS hash instead of a checksum (from the 82574 on).</summary>
    public const uint RxcsumRssHash = 1u << 13;

    /// <summary>MRQC: hash addresses of IPv4, and of IPv6 with extension headers and without (from the 82574 on).</summary>
    public const uint MrqcIp = (1u << 17) | (1u << 19) | (1u << 20);
}
