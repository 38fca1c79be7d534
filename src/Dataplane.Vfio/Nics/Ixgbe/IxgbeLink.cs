using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>The link of a physical function.</summary>
/// <param name="device">The device.</param>
/// <param name="keepLaser">Whether SDP3 is left alone (<c>fiber_sdp3_no_tx_disable</c>), where a board uses it for something else.</param>
internal sealed class IxgbeLink<TRegisters>(IxgbeDevice<TRegisters> device, bool keepLaser)
    where TRegisters : struct, IRegisterSpace
{
    private const uint Speed10G = 10_000, Speed5G = 5_000, Speed2500M = 2_500, Speed1G = 1_000, Speed100M = 100, Speed10M = 10;

    /// <summary>Firmware that uses the link too keeps the driver from taking it down (8.2.3.22.28 and 8.2.3.4.3).</summary>
    private bool IsShared =>
        (device.Read(Mmngc) & MmngcVeto) != 0 || (device.Read(Fwsm) & FwsmMode) == FwsmModePassThrough;

    /// <summary>Starts to bring the link up; it comes up by itself.</summary>
    public void Enable()
    {
        IxgbeCopperPhy.Wake(device);
        if (!device.Variant.IsFiber)
            return;
        if (!keepLaser)
            device.Change(Esdp, set: 0, clear: EsdpSdp3Data);
        if (!IsShared)
            RestartSerial();
    }

    /// <summary>Darkens the fiber, so that the other end knows. Copper stays as it is.</summary>
    public void Disable()
    {
        if (device.Variant.IsFiber && !keepLaser && !IsShared)
            device.Change(Esdp, set: EsdpSdp3Data, clear: 0);
    }

    /// <summary>The link now.</summary>
    public LinkStatus Read()
    {
        // 8.2.3.22.20: LINK_UP remembers that the link was down since the last read.
        _ = device.Read(Links);
        uint links = device.Read(Links);
        return (links & LinksUp) == 0 || links == uint.MaxValue ? LinkStatus.Down : Describe(links, device.Variant.Family);
    }

    /// <summary>A link that is up, as LINKS and VFLINKS say it.</summary>
    public static LinkStatus Describe(uint links, IxgbeFamily family)
    {
        bool isOther = family == IxgbeFamily.X550 && (links & LinksNonStandard) != 0;
        uint speed = (links & LinksSpeed) switch
        {
            LinksSpeed10G => isOther ? Speed2500M : Speed10G,
            LinksSpeed1G => Speed1G,
            LinksSpeed100M => isOther ? Speed5G : Speed100M,
            _ => family == IxgbeFamily.X550 ? Speed10M : LinkStatus.UnknownSpeed,
        };
        return new LinkStatus(IsUp: true, speed, FullDuplex: true, AutoNegotiated: true);
    }

    /// <summary>
    /// 4.6.4.2 and 8.2.3.22.19: serial 10G without negotiation, as SFI has it. The MAC's pipeline is reset completely only if
    /// the link mode changes together with the restart, so it changes to and fro.
    /// </summary>
    private void RestartSerial()
    {
        const uint OtherMode = 4u << AutocLinkModeShift;
        using var held = IxgbeSemaphore<TRegisters>.Take(device, SwFwSyncMacCsr);
        device.Change(Autoc2, set: 0, clear: Autoc2LinkDisable);
        uint autoc = (device.Read(Autoc) & ~AutocLinkMode) | AutocLinkModeSerial10G | AutocRestart;
        device.Write(Autoc, autoc ^ OtherMode);
        WaitForNegotiation();
        device.Write(Autoc, autoc);
        device.Flush();
    }

    /// <summary>Negotiation has left its idle state; without a module it never does, and the link stays down.</summary>
    private void WaitForNegotiation()
    {
        for (int i = 0; i < 10 && (device.Read(Anlp1) & Anlp1State) == 0; i++)
            Thread.Sleep(4);
    }
}
