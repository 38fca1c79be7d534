using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <content>What happens at accesses, and which sections the order of accesses is checked against.</content>
internal sealed partial class IxgbeModel
{
    private const uint MasterDisable = 1u << 2, LinkReset = 1u << 3, DeviceReset = 1u << 26, MasterEnabled = 1u << 19;
    private const uint AutoReadDone = 1u << 9, DmaInitDone = 1u << 3, EsdpLaserOff = 1u << 3, PhyLowPower = 1u << 11;
    private const uint LinkStatusChange = 1u << 20, LinkUp = 1u << 30;
    private const uint MacCsrHeld = 1u << 3, PhyHeld = 1u << 1, RegisterSemaphore = 1u << 31;
    private const uint Msix = 1u << 4, OtherClearDisable = 1u << 5, AutoMask = 1u << 30;

    private ulong _causes;
    private ulong _mask;

    private void AddSequences()
    {
        File.OnWrite(Ctrl, OnControl);
        File.OnRead(Links, _ => ReadLinks());
        File.OnWrite(Rxctrl, OnReceiveControl);
        File.OnWrite(SecRxCtrl, OnSecurityControl);
        File.OnWrite(Dmatxctl, (before, value) =>
            Require((value & ~before & 1) == 0 || (File[Rttdcs] & (1 << 6)) == 0, "4.6.8: DMATXCTL.TE set while RTTDCS.ARBDIS is"));
        File.OnWrite(Mtqc, (_, _) => Require((File[Rttdcs] & (1 << 6)) != 0, "4.6.8: MTQC written while RTTDCS.ARBDIS is clear"));
        File.OnWrite(Fctrl, (_, _) => Require(!IsReceiving, "8.2.3.7.1: FCTRL changed while RXCTRL.RXEN is set"));
        File.OnWrite(Rxpbsize, (_, _) => Require(!IsReceiving, "8.2.3.8.9: RXPBSIZE changed while RXCTRL.RXEN is set"));
        AddInterruptSequences();
        AddSemaphores();
        AddLink();
        for (int i = 0; i < Queues; i++)
            AddQueue(i);
    }

    private void AddQueue(int i)
    {
        int rx = RxBlock(i), tx = TxBlock(i);
        File.OnWrite(rx + Offset.Control, (before, value) => OnRxControl(i, before, value));
        File.OnWrite(rx + Offset.Tail, (_, value) => OnRxTail(i, value));
        File.OnWrite(tx + Offset.Control, (before, value) => OnTxControl(i, before, value));
        File.OnWrite(tx + Offset.Tail, (_, value) => OnTxTail(i, value));
        foreach (int register in (int[])[Offset.BaseLow, Offset.BaseHigh, Offset.Length, Offset.Head])
        {
            File.OnWrite(rx + register, (before, value) => OnRingChange(rx, register, before, value));
            File.OnWrite(tx + register, (before, value) => OnRingChange(tx, register, before, value));
        }

        File.OnWrite(rx + Offset.SplitControl, (before, value) => OnRingChange(rx, Offset.SplitControl, before, value));
    }

    /// <summary>4.2.1.6.1, 5.2.5.3.2 and 4.6.3: how a reset goes.</summary>
    private void OnControl(uint before, uint value)
    {
        if ((value & ~before & MasterDisable) != 0 && !IsStuck)
            File.After(2, Status, () => File[Status] &= ~MasterEnabled);
        if ((value & (DeviceReset | LinkReset)) == 0)
            return;
        Require((value & MasterDisable) != 0 || _isFlushed, "4.2.1.6.1: reset without master disable");
        Require(IsStuck || (File[Status] & MasterEnabled) == 0, "5.2.5.3.2: reset before STATUS.PCIe Master Enable Status cleared");
        Require(!IsStuck || _isFlushed, "5.2.5.3.2: reset of a device with stuck requests without GCR_EXT.Buffers_Clear");
        Require((_mask | _vectorMask) == 0, "4.6.3.1: reset while interrupts are enabled");
        Require((value & LinkReset) == 0 || _family == IxgbeFamily.I82599, "X540 4.2.1.6: link reset is not the driver's");
        Require(_family == IxgbeFamily.I82599 || (File[SwFwSync] & PhyHeld) != 0, "X540 4.2.1.6.1: reset without the PHY's semaphore");
        uint sync = File[SwFwSync], swsm = File[Swsm], laser = File[Esdp], mmngc = File[Mmngc];
        bool hadLink = IsLinkUp;
        File.Reset();
        LoadEeprom();
        // Not of the MAC: semaphores, pins, firmware.
        (File[SwFwSync], File[Swsm], File[Esdp], File[Mmngc]) = (sync, swsm, laser, mmngc);
        File[Ctrl] = DeviceReset;
        File.After(2, Ctrl, () => File[Ctrl] = 0);
        File.After(3, Eec, () => File[Eec] |= AutoReadDone);
        File.After(3, Rdrxctl, () => File[Rdrxctl] |= DmaInitDone);
        HangsReceivePath = false;
        ClearPacketBuffer();
        _causes = 0;
        _isRestarted = false;
        _isReady = true;
        _linkWasDown |= hadLink && !IsLinkUp;
        Resets++;
        WhileResetting();
    }

    private void LoadEeprom()
    {
        File[Ral] = (uint)_address.Wire;
        File[Rah] = (uint)(_address.Wire >> 32) | (1u << 31);
    }

    /// <summary>4.6.7: the receive unit is opened last, with the security block holding back frames.</summary>
    private void OnReceiveControl(uint before, uint value)
    {
        if (before == value)
            return;
        Require((File[SecRxCtrl] & 2) != 0 && ((File[SecRxStat] & 1) != 0 || HangsReceivePath), "4.6.7: RXCTRL.RXEN changed without SECRXSTAT.SECRX_RDY");
        if (value == 0)
            return;
        Require(_isReady, "4.6.3: RXCTRL.RXEN set before a reset");
        Require((File[Eec] & AutoReadDone) != 0, "4.6.3: RXCTRL.RXEN set before EEC.Auto_RD was waited for");
        Require((File[Rdrxctl] & DmaInitDone) != 0, "4.6.3: RXCTRL.RXEN set before RDRXCTL.DMAIDONE was waited for");
        bool hashes = File[Mrqc] != 0;
        string[] undefined = [.. File.Undefined.Where(name => hashes || !(name.StartsWith("RETA", StringComparison.Ordinal)
            || name.StartsWith("ERETA", StringComparison.Ordinal) || name.StartsWith("RSSRK", StringComparison.Ordinal)))];
        Require(undefined.Length == 0, $"4.6.7: RXCTRL.RXEN set before these are initialized: {string.Join(", ", undefined.Take(5))}");
        Require(
            Enumerable.Range(0, Queues).Any(i => (File[RxBlock(i) + Offset.Control] & QueueEnable) != 0),
            "4.6.7: RXCTRL.RXEN set before any queue is enabled");
        CheckReceiveSettings();
    }

    private void CheckReceiveSettings()
    {
        uint rdrxctl = File[Rdrxctl], hlreg0 = File[Hlreg0];
        Require((rdrxctl >> 1 & 1) == (hlreg0 >> 1 & 1), "8.2.3.8.8: RDRXCTL.CRCStrip differs from HLREG0.RXCRCSTRP");
        Require((rdrxctl & (0x1F << 17)) == 0, "4.6.7: RDRXCTL.RSCFRSTSIZE is not zero");
        Require((rdrxctl & Bits(25, 26)) == Bits(25, 26), "8.2.3.8.8: RDRXCTL.RSCACKC and FCOE_WRFIX are not set");
        Require((File[CtrlExt] & (1 << 16)) != 0, "4.6.7: CTRL_EXT.NS_DIS is not set");
        Require((File[Rfctl] & (1 << 5)) != 0, "4.6.7.2: RSC is not disabled");
        uint size = File[Rxpbsize] >> 10;
        Require(size == (_family == IxgbeFamily.I82599 ? 512u : 384u), $"4.6.11.3.4: RXPBSIZE[0] is {size} KB");
        for (int i = 1; i < 8; i++)
            Require(File[Rxpbsize + (i * 4)] == 0, $"4.6.11.3.4: RXPBSIZE[{i}] is not zero");
        Require(File[Fcrth] == (size * 1024) - 0x6000, "4.6.3.2: FCRTH[0].RTH is not RXPBSIZE[0] - 0x6000");
        Require(File[Dtxmxszrq] == 0xFFF, "4.6.11.3.4: DTXMXSZRQ is not 0xFFF");
        Require(File[Txpbsize] == 160u << 10 && File[Txpbthresh] is > 0 and <= 160 - 16, "4.6.11.3.4: TXPBSIZE[0] or TXPBTHRESH[0]");
    }

    private void OnSecurityControl(uint before, uint value)
    {
        if ((value & 2) == 0)
            File[SecRxStat] = 0;
        else if (!HangsReceivePath)
            File.After(2, SecRxStat, () => File[SecRxStat] = 1);
    }

    private bool _isFlushed;

    private void AddSemaphores()
    {
        File.OnWrite(GcrExt, (_, value) =>
        {
            if ((value & (1 << 30)) == 0)
                return;
            Require((File[Hlreg0] & (1 << 15)) != 0 && !IsReceiving, "5.2.5.3.2: buffers cleared without loopback");
            _isFlushed = true;
        });
        // 10.5.4: whoever reads SMBI as zero has it; on X540 REGSMP likewise.
        File.OnRead(Swsm, value =>
        {
            File[Swsm] |= 1;
            return value;
        });
        File.OnRead(SwFwSync, value =>
        {
            if (_family != IxgbeFamily.I82599)
                File[SwFwSync] |= RegisterSemaphore;
            return value;
        });
        File.OnWrite(SwFwSync, (before, value) =>
        {
            Require((File[Swsm] & 1) != 0, "10.5.4: SW_FW_SYNC written without SWSM.SMBI");
            bool isHeld = _family == IxgbeFamily.I82599 ? (File[Swsm] & 2) != 0 : (before & RegisterSemaphore) != 0;
            Require(isHeld, "10.5.4: SW_FW_SYNC written without SWSM.SWESMBI or SW_FW_SYNC.REGSMP");
        });
    }

    private void AddInterruptSequences()
    {
        File.OnRead(Eicr, _ => ReadCauses());
        File.OnWrite(Eims, (_, value) => Unmask(value));
        File.OnWrite(Eimc, (_, value) =>
        {
            _mask &= ~(ulong)value;
            _vectorMask &= ~(ulong)(value & 0xFFFF);
        });
        for (int i = 0; i < 2; i++)
        {
            int shift = i * 32;
            File.OnWrite(EimsEx + (i * 4), (_, value) => UnmaskVectors((ulong)value << shift));
            File.OnWrite(EimcEx + (i * 4), (_, value) => _vectorMask &= ~((ulong)value << shift));
        }
    }

    private ulong _vectorMask;

    private uint ReadCauses()
    {
        var value = (uint)((_other ? LinkStatusChange : 0) | (uint)(_causes & 0xFFFF));
        _other = false;
        if ((File[Gpie] & OtherClearDisable) == 0)
            _causes = 0;
        return value;
    }

    private bool _other;

    private void Unmask(uint causes)
    {
        _mask |= causes;
        FireOther();
    }

    private void UnmaskVectors(ulong vectors)
    {
        _vectorMask |= vectors;
        FireQueueVectors();
    }

    private void FireOther()
    {
        if (!_other || (_mask & LinkStatusChange) == 0)
            return;
        bool isMsix = (File[Gpie] & Msix) != 0;
        uint entry = File[IvarMisc] >> 8 & 0xFF;
        if (!isMsix)
            Interrupt(0);
        else if ((entry & 0x80) != 0)
            Interrupt((int)entry & 0x3F);
    }

    private void FireQueueVectors()
    {
        if ((File[Gpie] & Msix) == 0)
            return;
        for (int vector = 0; vector < 64; vector++)
        {
            ulong bit = 1UL << vector;
            if ((_causes & _vectorMask & bit) == 0)
                continue;
            if (vector >= 16 || (File[Eiac] >> vector & 1) != 0)
                _causes &= ~bit;
            if ((File[Gpie] & AutoMask) != 0 && (File[EiamEx + (vector / 32 * 4)] >> (vector % 32) & 1) != 0)
                _vectorMask &= ~bit;
            Interrupt(vector);
        }
    }

    private void AddLink()
    {
        File.OnWrite(Esdp, (before, _) => OnLinkMayHaveChanged(_cable && IsUpWith(before)));
        File.OnWrite(Autoc, (before, value) =>
        {
            Require(_family == IxgbeFamily.I82599, "X540 8.2.3.22: there is no AUTOC");
            Require((File[SwFwSync] & MacCsrHeld) != 0, "10.5.4: AUTOC written without the semaphore of the MAC's registers");
            Require((File[Autoc2] & (7u << 28)) == 0, "8.2.3.22.22: link restarted while AUTOC2 disables it");
            bool was = IsLinkUp;
            if ((value & (1 << 12)) == 0)
                return;
            File[Autoc] &= ~(1u << 12); // Restart_AN clears itself
            _restarts = (before ^ value) >> 13 & 7;
            _isRestarted |= _restarts != 0;
            File.After(2, Anlp1, () => File[Anlp1] = 1u << 16);
            OnLinkMayHaveChanged(was);
        });
        File.OnWrite(Msca, OnPhyCommand);
    }

    private uint _restarts;

    private bool IsUpWith(uint esdp) => _isFiber && _isRestarted && (esdp & EsdpLaserOff) == 0 && (File[Autoc] >> 13 & 7) == 3;

    private void OnLinkMayHaveChanged(bool was)
    {
        if (was == IsLinkUp)
            return;
        _linkWasDown |= !IsLinkUp;
        _other = true;
        FireOther();
        if (!IsLinkUp)
            return;
        for (int i = 0; i < Queues; i++)
            Transmit(i);
    }

    private uint ReadLinks()
    {
        // 8.2.3.22.20: bit 30 remembers that the link was down, bit 7 does not.
        uint value = IsLinkUp ? SpeedBits | (1 << 7) | (_linkWasDown ? 0 : LinkUp) : 0;
        _linkWasDown = !IsLinkUp;
        return value;
    }

    /// <summary>8.2.3.22.11: clause 45, an address cycle and then a read or a write.</summary>
    private void OnPhyCommand(uint before, uint value)
    {
        if ((value & (1 << 30)) == 0)
            return;
        Require((before & (1 << 30)) == 0, "8.2.3.22.11: MSCA written while a command is under way");
        Require((File[SwFwSync] & PhyHeld) != 0, "10.5.4: PHY accessed without its semaphore");
        File.After(2, Msca, () => File[Msca] &= ~(1u << 30));
        uint operation = value >> 26 & 3;
        bool isOurs = (value >> 21 & 31) == 0;
        (uint Group, uint Register) place = (value >> 16 & 31, value & 0xFFFF);
        if (operation == 0)
        {
            _phyAddress = value & 0xFFFF;
            return;
        }

        Require(_phyAddress == place.Register, "8.2.3.22.11: data cycle without its address cycle");
        bool was = IsLinkUp;
        if (operation == 1 && isOurs && place == (30, 0))
            _phyControl = File[Msrwd] & 0xFFFF;
        if (operation == 3)
            File[Msrwd] = (isOurs ? ReadPhy(place) : 0xFFFF) << 16;
        OnLinkMayHaveChanged(was);
    }

    private uint ReadPhy((uint Group, uint Register) place) => place switch
    {
        (1, 2) => 0x0154,
        (30, 0) => _phyControl,
        _ => 0,
    };
}
