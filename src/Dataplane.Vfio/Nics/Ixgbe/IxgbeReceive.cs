using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>The receive unit of a physical function (82599 4.6.7).</summary>
internal static class IxgbeReceive
{
    /// <summary>Ethernet header and FCS; MAXFRS allows a VLAN tag beyond it by itself (8.2.3.22.12).</summary>
    public const int FrameOverhead = 18;

    private const int StandardFrame = 1518;

    private static readonly TimeSpan CloseTime = TimeSpan.FromMilliseconds(100);

    /// <summary>Settings of the whole unit, before any queue.</summary>
    public static void Initialize<TRegisters>(
        IxgbeDevice<TRegisters> device, PortConfiguration configuration, int mtu, bool promiscuous, bool allMulticast)
        where TRegisters : struct, IRegisterSpace
    {
        SetFilter(device, promiscuous, allMulticast);
        device.Change(VlnCtrl, set: 0, clear: VlnCtrlFilterEnable);
        SetFrameSize(device, mtu);
        device.Change(Hlreg0, set: Hlreg0RxCrcStrip, clear: 0);
        // 8.2.3.8.8: strips as HLREG0 does; the other bits have to differ from their defaults.
        device.Change(
            Rdrxctl, set: RdrxctlCrcStrip | RdrxctlRscAckControl | RdrxctlFcoeWriteFix, clear: RdrxctlRscFirstSize);
        device.Change(Rfctl, set: RfctlRscDisable, clear: 0);
        // 4.6.11.3.4: one traffic class has all of the packet buffer.
        for (int i = 0; i < PacketBufferCount; i++)
        {
            uint size = i == 0 ? device.Variant.RxPacketBuffer << KilobyteShift : 0;
            device.Write(Rxpbsize + (i * sizeof(uint)), size);
        }

        // 4.6.3.2: the mark counts even without flow control.
        device.Change(Fcrth, set: FcrthMark(device), clear: FcrthMask);

        InitializeHash(device, configuration);
    }

    /// <summary>
    /// Opens or closes the unit: 4.6.7 has the security block hold back frames meanwhile. A path that does not run empty is
    /// closed nevertheless: only the reset that follows mends it.
    /// </summary>
    public static void SetEnabled<TRegisters>(IxgbeDevice<TRegisters> device, bool enabled)
        where TRegisters : struct, IRegisterSpace
    {
        device.Change(SecRxCtrl, set: SecRxCtrlRxDisable, clear: 0);
        if (enabled)
            device.WaitSet(SecRxStat, SecRxStatReady, "SECRXSTAT.SECRX_RDY: the receive path to be empty");
        else
            _ = RegisterWait.TryUntil(device.Registers, SecRxStat, SecRxStatReady, SecRxStatReady, CloseTime, out _);
        device.Change(Rxctrl, set: enabled ? RxctrlEnable : 0, clear: enabled ? 0 : RxctrlEnable);
        device.Change(SecRxCtrl, set: 0, clear: SecRxCtrlRxDisable);
        device.Flush();
    }

    /// <summary>Which stations' frames are received; 8.2.3.7.1 has the unit closed meanwhile.</summary>
    public static void SetFilter<TRegisters>(IxgbeDevice<TRegisters> device, bool promiscuous, bool allMulticast)
        where TRegisters : struct, IRegisterSpace
    {
        uint filter = FctrlBroadcastAccept;
        if (promiscuous)
            filter |= FctrlUnicastPromiscuous;
        if (promiscuous || allMulticast)
            filter |= FctrlMulticastPromiscuous;
        device.Change(Fctrl, set: filter, clear: FctrlUnicastPromiscuous | FctrlMulticastPromiscuous);
    }

    /// <summary>How long a frame may be (8.2.3.22.12; 8.2.3.22.8 JUMBOEN makes it count).</summary>
    public static void SetFrameSize<TRegisters>(IxgbeDevice<TRegisters> device, int mtu)
        where TRegisters : struct, IRegisterSpace
    {
        int frame = mtu + FrameOverhead;
        bool isJumbo = frame > StandardFrame;
        device.Change(Maxfrs, set: (uint)Math.Max(frame, StandardFrame) << MaxfrsShift, clear: 0xFFFFu << MaxfrsShift);
        device.Change(Hlreg0, set: isJumbo ? Hlreg0Jumbo : 0, clear: isJumbo ? 0 : Hlreg0Jumbo);
    }

    private static uint FcrthMark<TRegisters>(IxgbeDevice<TRegisters> device)
        where TRegisters : struct, IRegisterSpace =>
        ((device.Variant.RxPacketBuffer << KilobyteShift) - FcrthMargin) & FcrthMask;

    private static void InitializeHash<TRegisters>(IxgbeDevice<TRegisters> device, PortConfiguration configuration)
        where TRegisters : struct, IRegisterSpace
    {
        bool isWanted = configuration.RxQueues > 1 || configuration.Offloads.HasFlag(PortOffloads.RxRssHash);
        bool usesHash = isWanted && configuration.RssHash != RssHash.None;
        uint checksum = configuration.Offloads.HasFlag(PortOffloads.RxL4Checksum) ? RxcsumIpPayload : 0;
        // 8.2.3.7.7 PCSD: the descriptor holds either the hash or the checksum of a fragment.
        device.Write(Rxcsum, checksum | RxcsumPacketChecksumDisable);
        if (usesHash)
        {
            RssTable.Write(device.Registers, Rssrk, Reta, configuration.RxQueues);
            if (device.Variant.Family == IxgbeFamily.X550)
                RssTable.Spread(device.Registers, Ereta, EretaLength, configuration.RxQueues);
        }

        device.Write(Mrqc, usesHash ? MrqcRss | IxgbeHash.Fields(configuration.RssHash) : 0);
    }
}
