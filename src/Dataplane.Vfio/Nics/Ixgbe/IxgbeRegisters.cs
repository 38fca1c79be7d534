namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// Registers of the physical functions and their bits, by the names and sections of the 82599 data sheet (331520). X540 (334566)
/// and X550 (333369) have them at the same places; what differs says so. Those of queues are offsets from the queue's block.
/// </summary>
internal static class IxgbeRegisters
{
    // 8.2.3.1 General control
    public const int Ctrl = 0x0;
    public const uint CtrlPcieMasterDisable = 1u << 2;
    public const uint CtrlLinkReset = 1u << 3;
    public const uint CtrlDeviceReset = 1u << 26;
    public const int Status = 0x8;
    public const uint StatusPcieMasterEnabled = 1u << 19;
    public const int CtrlExt = 0x18;
    public const uint CtrlExtNoSnoopDisable = 1u << 16;
    public const uint CtrlExtDriverLoaded = 1u << 28;
    public const int Esdp = 0x20;
    public const uint EsdpSdp3Data = 1u << 3;

    // 8.2.3.2 EEPROM
    public const int Eec = 0x10010;
    public const uint EecPresent = 1u << 8;
    public const uint EecAutoReadDone = 1u << 9;

    // 8.2.3.3 Flow control
    public const int Fcrth = 0x3260;
    public const uint FcrthMask = 0x7_FFE0;

    /// <summary>How far below the size of the packet buffer the mark has to be (4.6.3.2).</summary>
    public const uint FcrthMargin = 0x6000;

    // 8.2.3.4 PCIe, and the semaphores between software and firmware
    public const int GcrExt = 0x11050;
    public const uint GcrExtBuffersClear = 1u << 30;
    public const int Swsm = 0x10140;
    public const uint SwsmSemaphore = 1u << 0;
    public const uint SwsmFirmwareSemaphore = 1u << 1;
    public const int Fwsm = 0x10148;
    public const uint FwsmMode = 0xE;
    public const uint FwsmModePassThrough = 0x4;
    public const int SwFwSync = 0x10160;
    public const uint SwFwSyncPhy0 = 1u << 1;
    public const uint SwFwSyncPhy1 = 1u << 2;
    public const uint SwFwSyncMacCsr = 1u << 3;

    /// <summary>Where the firmware's bits stand above those of software.</summary>
    public const int SwFwSyncFirmwareShift = 5;

    /// <summary>X540 8.2.3.4.11 REGSMP: guards the register itself, in place of SWSM.SWESMBI.</summary>
    public const uint SwFwSyncRegisterSemaphore = 1u << 31;

    // 8.2.3.5 Interrupts
    public const int Eicr = 0x800;
    public const uint EicrLinkStatusChange = 1u << 20;
    public const int Eiac = 0x810;
    public const int EitrLow = 0x820;
    public const int EitrHigh = 0x12300;
    public const int EitrLowCount = 24;
    public const int Eims = 0x880;
    public const int Eimc = 0x888;
    public const uint EimcAll = 0x7FFF_FFFF;
    public const int EimsEx = 0xAA0;
    public const int EimcEx = 0xAB0;
    public const int EiamEx = 0xAD0;
    public const int Gpie = 0x898;
    public const uint GpieMultipleMsix = 1u << 4;
    public const uint GpieOtherClearDisable = 1u << 5;
    public const uint GpieExtendedAutoMask = 1u << 30;
    public const uint GpiePbaSupport = 1u << 31;
    public const int Ivar = 0x900;
    public const int IvarMisc = 0xA00;
    public const byte IvarValid = 0x80;

    // 8.2.3.7 Receive
    public const int Fctrl = 0x5080;
    public const uint FctrlMulticastPromiscuous = 1u << 8;
    public const uint FctrlUnicastPromiscuous = 1u << 9;
    public const uint FctrlBroadcastAccept = 1u << 10;
    public const int VlnCtrl = 0x5088;
    public const uint VlnCtrlFilterEnable = 1u << 30;
    public const int Mcstctrl = 0x5090;
    public const uint McstctrlFilterEnable = 1u << 2;
    public const int Rxcsum = 0x5000;
    public const uint RxcsumIpPayload = 1u << 12;
    public const uint RxcsumPacketChecksumDisable = 1u << 13;
    public const int Rfctl = 0x5008;
    public const uint RfctlRscDisable = 1u << 5;
    public const int Mta = 0x5200;
    public const int MtaCount = 128;
    public const int Ral = 0xA200;
    public const int RalCount = 128;
    public const int Mpsar = 0xA600;
    public const int Vfta = 0xA000;
    public const int VftaCount = 128;
    public const int Ftqf = 0xE600;
    public const int FtqfCount = 128;
    public const int Mrqc = 0x5818;
    public const uint MrqcRss = 1;
    public const int Reta = 0x5C00;
    public const int Rssrk = 0x5C80;

    /// <summary>X550 8.2.2.8.13 ERETA: entries 128 to 511 of the table.</summary>
    public const int Ereta = 0xEE80;
    public const int EretaLength = 384;

    // 8.2.3.8 Receive DMA; those of rings are in RingRegisters.
    public const int RxQueueBlock = 0x1000;
    public const int QueueStride = 0x40;
    public const int DcaRxctrl = 0x0C;
    public const uint DcaRxctrlReserved12 = 1u << 12;
    public const uint DcaRxctrlDataRelaxedOrder = 1u << 13;
    public const uint DcaRxctrlHeaderRelaxedOrder = 1u << 15;
    public const int Srrctl = 0x14;
    public const int SrrctlBufferSizeShift = 10;
    public const uint SrrctlAdvancedOneBuffer = 1u << 25;
    public const uint SrrctlDropEnable = 1u << 28;
    public const int Rxdctl = 0x28;
    public const uint RxdctlEnable = 1u << 25;
    public const uint RxdctlVlanStrip = 1u << 30;
    public const int Rscctl = 0x2C;
    public const int Rdrxctl = 0x2F00;
    public const uint RdrxctlCrcStrip = 1u << 1;
    public const uint RdrxctlDmaInitDone = 1u << 3;
    public const uint RdrxctlRscFirstSize = 0x1Fu << 17;
    public const uint RdrxctlRscAckControl = 1u << 25;
    public const uint RdrxctlFcoeWriteFix = 1u << 26;
    public const int Rxctrl = 0x3000;
    public const uint RxctrlEnable = 1u << 0;
    public const int Rxpbsize = 0x3C00;
    public const int PacketBufferCount = 8;
    public const int KilobyteShift = 10;

    // 8.2.3.9 Transmit; those of rings are in RingRegisters.
    public const int Dmatxctl = 0x4A80;
    public const uint DmatxctlEnable = 1u << 0;
    public const int Dtxmxszrq = 0x8100;
    public const uint DtxmxszrqWithoutDcb = 0xFFF;
    public const int Mtqc = 0x8120;
    public const int Rttdcs = 0x4900;
    public const uint RttdcsArbiterDisable = 1u << 6;
    public const int Rttdqsel = 0x4904;
    public const int Rttbcnrc = 0x4984;
    public const int Txpbsize = 0xCC00;
    public const int Txpbthresh = 0x4950;
    public const int TxQueueBlock = 0x6000;
    public const int DcaTxctrl = 0x0C;
    public const uint DcaTxctrlWriteBackRelaxedOrder = 1u << 11;
    public const int Txdctl = 0x28;
    public const uint TxdctlEnable = 1u << 25;

    /// <summary>PTHRESH and HTHRESH: fetch below 32, as soon as there is one; HTHRESH must not be zero then (8.2.3.9.10).</summary>
    public const int TxdctlPrefetch = 32 | (1 << 8);
    public const int Tdwbal = 0x38;
    public const int Tdwbah = 0x3C;

    // 8.2.3.27 Virtualization
    public const int Pfuta = 0xF400;
    public const int PfutaCount = 128;
    public const int Pfvlvf = 0xF100;
    public const int PfvlvfCount = 64;
    public const int Pfvlvfb = 0xF200;
    public const int PfvlvfbCount = 128;

    // 8.2.3.12 Security: how the receive path is halted
    public const int SecRxCtrl = 0x8D00;
    public const uint SecRxCtrlRxDisable = 1u << 1;
    public const int SecRxStat = 0x8D04;
    public const uint SecRxStatReady = 1u << 0;

    // 8.2.3.22 MAC
    public const int Hlreg0 = 0x4240;
    public const uint Hlreg0TxCrc = 1u << 0;
    public const uint Hlreg0RxCrcStrip = 1u << 1;
    public const uint Hlreg0Jumbo = 1u << 2;
    public const uint Hlreg0TxPad = 1u << 10;
    public const uint Hlreg0Loopback = 1u << 15;
    public const int Msca = 0x425C;
    public const int MscaDeviceShift = 16;
    public const int MscaPhyShift = 21;
    public const uint MscaAddressCycle = 0;
    public const uint MscaWrite = 1u << 26;
    public const uint MscaRead = 3u << 26;
    public const uint MscaCommand = 1u << 30;
    public const int Msrwd = 0x4260;
    public const int MsrwdReadShift = 16;
    public const int Maxfrs = 0x4268;
    public const int MaxfrsShift = 16;
    public const int Autoc = 0x42A0;
    public const uint AutocRestart = 1u << 12;
    public const int AutocLinkModeShift = 13;
    public const uint AutocLinkMode = 7u << AutocLinkModeShift;
    public const uint AutocLinkModeSerial10G = 3u << AutocLinkModeShift;
    public const int Autoc2 = 0x42A8;
    public const uint Autoc2LinkDisable = 7u << 28;
    public const int Anlp1 = 0x42B0;
    public const uint Anlp1State = 0xFu << 16;
    public const int Mmngc = 0x42D0;
    public const uint MmngcVeto = 1u << 0;
    public const int Links = 0x42A4;
    public const uint LinksUp = 1u << 30;
    public const uint LinksSpeed = 3u << 28;
    public const uint LinksSpeed100M = 1u << 28;
    public const uint LinksSpeed1G = 2u << 28;
    public const uint LinksSpeed10G = 3u << 28;

    /// <summary>X550 8.2.2.22.19: with 10 Gbit/s it means 2.5, with 100 Mbit/s it means 5.</summary>
    public const uint LinksNonStandard = 1u << 27;
}
