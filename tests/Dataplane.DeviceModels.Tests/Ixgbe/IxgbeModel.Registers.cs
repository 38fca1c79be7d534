using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <content>
/// The register map (8.2.2 and 8.2.3), by numbers of its own: a wrong number in the driver must not be right here. Only what
/// a driver may touch for what ours does; anything else is "where no register is".
/// </content>
internal sealed partial class IxgbeModel
{
    private const int Ctrl = 0x0, Status = 0x8, CtrlExt = 0x18, Esdp = 0x20, Eec = 0x10010, Swsm = 0x10140, Fwsm = 0x10148;
    private const int SwFwSync = 0x10160, GcrExt = 0x11050, Fcrth = 0x3260;
    private const int Eicr = 0x800, Eiac = 0x810, Eims = 0x880, Eimc = 0x888, EimsEx = 0xAA0, EimcEx = 0xAB0, EiamEx = 0xAD0;
    private const int Gpie = 0x898, Ivar = 0x900, IvarMisc = 0xA00;
    private const int Fctrl = 0x5080, VlnCtrl = 0x5088, Mcstctrl = 0x5090, Rxcsum = 0x5000, Rfctl = 0x5008, Mta = 0x5200;
    private const int Ral = 0xA200, Rah = 0xA204, Mpsar = 0xA600, Vfta = 0xA000, Mrqc = 0x5818, Reta = 0x5C00, Rssrk = 0x5C80;
    private const int Ereta = 0xEE80, Ftqf = 0xE600, Pfuta = 0xF400, Pfvlvf = 0xF100, Pfvlvfb = 0xF200;
    private const int Rdrxctl = 0x2F00, Rxctrl = 0x3000, Rxpbsize = 0x3C00, SecRxCtrl = 0x8D00, SecRxStat = 0x8D04;
    private const int Dmatxctl = 0x4A80, Dtxmxszrq = 0x8100, Mtqc = 0x8120, Rttdcs = 0x4900, Rttdqsel = 0x4904;
    private const int Rttbcnrc = 0x4984, Txpbsize = 0xCC00, Txpbthresh = 0x4950;
    private const int Hlreg0 = 0x4240, Msca = 0x425C, Msrwd = 0x4260, Maxfrs = 0x4268, Autoc = 0x42A0, Links = 0x42A4;
    private const int Autoc2 = 0x42A8, Anlp1 = 0x42B0, Mmngc = 0x42D0;

    private const int MissedPackets = 0x3FA0, QueueDropped = 0x1430, Oversize = 0x40AC;
    private const int TotalReceived = 0x40D0, TotalReceivedBytes = 0x40C0, TotalSent = 0x40D4;
    private const int ReceivedBySize = 0x405C, SentBySize = 0x40D8, BroadcastReceived = 0x4078, MulticastReceived = 0x407C;
    private const int MulticastSent = 0x40F0, BroadcastSent = 0x40F4;

    private void AddRegisters()
    {
        AddGeneral();
        AddInterrupts();
        AddReceive();
        AddTransmit();
        AddMac();
        AddStatistics();
    }

    private void AddGeneral()
    {
        File.Add(Ctrl, new("CTRL", "8.2.3.1.1", Writable: Bits(2, 3, 26)));
        File.Add(Status, new("STATUS", "8.2.3.1.2", Reset: 1u << 19, Access: Access.ReadOnly));
        File.Add(CtrlExt, new("CTRL_EXT", "8.2.3.1.3", Writable: Bits(14, 16, 17, 26, 28)));
        File.Add(Esdp, new("ESDP", "8.2.3.1.4", Reset: 1u << 11, Writable: 0x3_FFFF));
        File.Add(Eec, new("EEC", "8.2.3.2.1", Reset: 1u << 8, Access: Access.ReadOnly));
        File.Add(Swsm, new("SWSM", "8.2.3.4.9", Writable: Bits(0, 1)));
        File.Add(Fwsm, new("FWSM", "8.2.3.4.10", Access: Access.ReadOnly));
        File.Add(SwFwSync, new("SW_FW_SYNC", "8.2.3.4.11"));
        File.Add(GcrExt, new("GCR_EXT", "8.2.3.4.12", Writable: Bits(0, 1, 30, 31)));
        File.AddArray(Fcrth, 8, 4, new("FCRTH", "8.2.3.3.4", Writable: 0x8007_FFE0));
    }

    private void AddInterrupts()
    {
        File.Add(Eicr, new("EICR", "8.2.3.5.1", Access: Access.ReadOnly));
        File.Add(Eiac, new("EIAC", "8.2.3.5.5", Writable: 0xFFFF));
        File.Add(Eims, new("EIMS", "8.2.3.5.3", Writable: 0x7FFF_FFFF, Access: Access.WriteOnly));
        File.Add(Eimc, new("EIMC", "8.2.3.5.4", Writable: 0x7FFF_FFFF, Access: Access.WriteOnly));
        File.AddArray(EimsEx, 2, 4, new("EIMS(n)", "8.2.3.5.8", Access: Access.WriteOnly));
        File.AddArray(EimcEx, 2, 4, new("EIMC(n)", "8.2.3.5.9", Access: Access.WriteOnly));
        File.AddArray(EiamEx, 2, 4, new("EIAM(n)", "8.2.3.5.10"));
        File.AddArray(0x820, 24, 4, new("EITR", "8.2.3.5.12", Writable: 0x801F_8FF8));
        File.AddArray(0x12300, 105, 4, new("EITR(24..)", "8.2.3.5.12", Writable: 0x801F_8FF8));
        File.Add(Gpie, new("GPIE", "8.2.3.5.18", Writable: 0xC000_3FFF));
        File.AddArray(Ivar, 64, 4, new("IVAR", "8.2.3.5.16", Writable: 0xBFBF_BFBF));
        File.Add(IvarMisc, new("IVAR_MISC", "8.2.3.5.17", Writable: 0xBFBF));
    }

    private void AddReceive()
    {
        File.Add(Fctrl, new("FCTRL", "8.2.3.7.1", Writable: Bits(1, 8, 9, 10)));
        File.Add(VlnCtrl, new("VLNCTRL", "8.2.3.7.2", Reset: 0x8100, Writable: 0x7000_FFFF));
        File.Add(Mcstctrl, new("MCSTCTRL", "8.2.3.7.3", Writable: 7));
        File.Add(Rxcsum, new("RXCSUM", "8.2.3.7.5", Writable: Bits(12, 13)));
        File.Add(Rfctl, new("RFCTL", "8.2.3.7.6", Writable: Bits(5, 6, 7)));
        File.AddArray(Mta, 128, 4, new("MTA", "8.2.3.7.7", IsUndefined: true));
        File.AddArray(Ral, 128, 8, new("RAL", "8.2.3.7.8"));
        File.AddArray(Rah, 128, 8, new("RAH", "8.2.3.7.9", Writable: 0x8000_FFFF));
        File.AddArray(Mpsar, 256, 4, new("MPSAR", "8.2.3.7.10", IsUndefined: true));
        File.AddArray(Vfta, 128, 4, new("VFTA", "8.2.3.7.11", IsUndefined: true));
        File.Add(Mrqc, new("MRQC", "8.2.3.7.12", Writable: 0xFFFF_000F));
        File.AddArray(Rssrk, 10, 4, new("RSSRK", "8.2.3.7.14", IsUndefined: true));
        uint entries = _family == IxgbeFamily.X550 ? 0x3F3F_3F3Fu : 0x0F0F_0F0F;
        File.AddArray(Reta, 32, 4, new("RETA", "8.2.3.7.15", Writable: entries, IsUndefined: true));
        if (_family == IxgbeFamily.X550)
            File.AddArray(Ereta, 96, 4, new("ERETA", "X550 8.2.2.8.13", Writable: entries, IsUndefined: true));
        File.AddArray(Ftqf, 128, 4, new("FTQF", "8.2.3.7.19", Writable: 0xFE00_3F1F, IsUndefined: true));
        File.AddArray(Pfuta, 128, 4, new("PFUTA", "8.2.3.27.17", IsUndefined: true));
        File.AddArray(Pfvlvf, 64, 4, new("PFVLVF", "8.2.3.27.15", Writable: 0x8000_0FFF, IsUndefined: true));
        File.AddArray(Pfvlvfb, 128, 4, new("PFVLVFB", "8.2.3.27.16", IsUndefined: true));
        File.Add(Rdrxctl, new("RDRXCTL", "8.2.3.8.8", Reset: 8u << 17, Writable: Bits(1, 25, 26) | (0x1Fu << 17)));
        File.Add(Rxctrl, new("RXCTRL", "8.2.3.8.10", Writable: 1));
        File.AddArray(Rxpbsize, 8, 4, new("RXPBSIZE", "8.2.3.8.9", Reset: 512u << 10, Writable: 0xF_FC00));
        File.Add(SecRxCtrl, new("SECRXCTRL", "8.2.3.12.5", Writable: 3));
        File.Add(SecRxStat, new("SECRXSTAT", "8.2.3.12.6", Access: Access.ReadOnly));
        for (int i = 0; i < Queues; i++)
        {
            int block = RxBlock(i);
            File.Add(block + Offset.BaseLow, new($"RDBAL[{i}]", "8.2.3.8.1", Writable: ~0x7Fu));
            File.Add(block + Offset.BaseHigh, new($"RDBAH[{i}]", "8.2.3.8.2"));
            File.Add(block + Offset.Length, new($"RDLEN[{i}]", "8.2.3.8.3", Writable: 0xF_FF80));
            File.Add(block + Offset.Dca, new($"DCA_RXCTRL[{i}]", "8.2.3.11.1", Reset: Bits(9, 12, 13, 15), Writable: Bits(5, 6, 7, 9, 12, 13, 15) | (0xFFu << 24)));
            File.Add(block + Offset.Head, new($"RDH[{i}]", "8.2.3.8.4", Writable: 0xFFFF));
            File.Add(block + Offset.SplitControl, new($"SRRCTL[{i}]", "8.2.3.8.7", Reset: 0x402, Writable: 0x1FC0_3F1F));
            File.Add(block + Offset.Tail, new($"RDT[{i}]", "8.2.3.8.5", Writable: 0xFFFF));
            File.Add(block + Offset.Control, new($"RXDCTL[{i}]", "8.2.3.8.6", Writable: Bits(25, 30)));
            File.Add(block + Offset.Coalescing, new($"RSCCTL[{i}]", "8.2.3.8.13", Writable: Bits(0, 2, 3)));
        }
    }

    private void AddTransmit()
    {
        File.Add(Dmatxctl, new("DMATXCTL", "8.2.3.9.2", Reset: 0x8100u << 16, Writable: Bits(0, 3) | (0xFFFFu << 16)));
        File.Add(Dtxmxszrq, new("DTXMXSZRQ", "8.2.3.9.1", Reset: 0x10, Writable: 0xFFF));
        File.Add(Mtqc, new("MTQC", "8.2.3.9.15", Writable: 0xF));
        File.Add(Rttdcs, new("RTTDCS", "8.2.3.10.2", Writable: Bits(0, 1, 4, 6, 22, 23)));
        File.Add(Rttdqsel, new("RTTDQSEL", "8.2.3.10.13", Writable: 0x7F));
        File.Add(Rttbcnrc, new("RTTBCNRC", "8.2.3.10.16", Writable: 0x8FFF_FFFF));
        File.AddArray(Txpbsize, 8, 4, new("TXPBSIZE", "8.2.3.9.13", Reset: 160u << 10, Writable: 0xF_FC00));
        File.AddArray(Txpbthresh, 8, 4, new("TXPBTHRESH", "8.2.3.9.16", Writable: 0x3FF));
        for (int i = 0; i < Queues; i++)
        {
            int block = TxBlock(i);
            File.Add(block + Offset.BaseLow, new($"TDBAL[{i}]", "8.2.3.9.5", Writable: ~0x7Fu));
            File.Add(block + Offset.BaseHigh, new($"TDBAH[{i}]", "8.2.3.9.6"));
            File.Add(block + Offset.Length, new($"TDLEN[{i}]", "8.2.3.9.7", Writable: 0xF_FF80));
            File.Add(block + Offset.Dca, new($"DCA_TXCTRL[{i}]", "8.2.3.11.2", Reset: Bits(9, 11, 13), Writable: Bits(5, 9, 11, 13) | (0xFFu << 24)));
            File.Add(block + Offset.Head, new($"TDH[{i}]", "8.2.3.9.8", Writable: 0xFFFF));
            File.Add(block + Offset.Tail, new($"TDT[{i}]", "8.2.3.9.9", Writable: 0xFFFF));
            File.Add(block + Offset.Control, new($"TXDCTL[{i}]", "8.2.3.9.10", Writable: 0x067F_7F7F));
            File.Add(block + Offset.HeadWriteBackLow, new($"TDWBAL[{i}]", "8.2.3.9.11", Writable: ~2u));
            File.Add(block + Offset.HeadWriteBackHigh, new($"TDWBAH[{i}]", "8.2.3.9.12"));
        }
    }

    private void AddMac()
    {
        File.Add(Hlreg0, new("HLREG0", "8.2.3.22.8", Reset: Bits(0, 1, 10, 11, 13, 16, 27), Writable: Bits(0, 1, 2, 10, 15, 16, 17, 27, 28) | (0xFu << 20)));
        File.Add(Msca, new("MSCA", "8.2.3.22.11", Writable: 0x7FFF_FFFF));
        File.Add(Msrwd, new("MSRWD", "8.2.3.22.12")); // the upper half is what was read, and ignores writes
        File.Add(Maxfrs, new("MAXFRS", "8.2.3.22.13", Reset: 1518u << 16, Writable: 0xFFFFu << 16));
        File.Add(Autoc, new("AUTOC", "8.2.3.22.19", Reset: 0xC09C_6004));
        File.Add(Links, new("LINKS", "8.2.3.22.20", Access: Access.ReadOnly));
        File.Add(Autoc2, new("AUTOC2", "8.2.3.22.22", Reset: (2u << 16) | (1u << 28)));
        File.Add(Anlp1, new("ANLP1", "8.2.3.22.24", Access: Access.ReadOnly));
        File.Add(Mmngc, new("MMNGC", "8.2.3.22.28", Access: Access.ReadOnly));
    }

    private void AddStatistics()
    {
        int[] single =
        [
            MissedPackets, QueueDropped, 0x4000, 0x4004, 0x4008, 0x4010, 0x4034, 0x4038, 0x4040, 0x3F60, 0x41A4, 0x3F68, 0x41A8,
            0x405C, 0x4060, 0x4064, 0x4068, 0x406C, 0x4070, BroadcastReceived, MulticastReceived, 0x40A4, 0x40A8, Oversize, 0x40B0,
            0x40B4, 0x40B8, 0xCF90, TotalReceived, TotalReceivedBytes, TotalReceivedBytes + 4, TotalSent,
            0x40D8, 0x40DC, 0x40E0, 0x40E4, 0x40E8, 0x40EC, MulticastSent, BroadcastSent, 0x4120,
        ];
        foreach (int offset in single)
            File.Add(offset, new($"statistics 0x{offset:x}", "8.2.3.23", Access: Access.ClearOnRead));
    }

    private static uint Bits(params ReadOnlySpan<int> bits)
    {
        uint mask = 0;
        foreach (int bit in bits)
            mask |= 1u << bit;
        return mask;
    }
}
