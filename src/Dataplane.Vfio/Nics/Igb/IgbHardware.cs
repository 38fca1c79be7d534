using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Igb.IgbRegisters;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>What is done to a PF's registers, outside of the queues' own (82576 data sheet 4.5, I350 4.6, I210 4.5).</summary>
internal sealed class IgbHardware<TRegisters>(TRegisters registers, IgbModel model, string device)
    where TRegisters : struct, IRegisterSpace
{
    private const int UnicastTableLength = 128;
    private const int ReceiveAddresses = 16;
    private const uint VlanEtherTypes = 0x8100_8100;
    private const uint AllCauses = uint.MaxValue;

    /// <summary>Ethernet header, a VLAN tag and FCS.</summary>
    private const int FrameOverhead = 14 + 4 + 4;

    private const int StandardMtu = 1500;

    private readonly GigabitControl<TRegisters> _control = new(registers, device);
    private readonly IgbLock<TRegisters> _lock = new(registers);
    private readonly GigabitPhy<TRegisters> _phy = new(registers, device);

    /// <summary>
    /// Resets the device, which must be there; it neither receives nor sends nor interrupts afterwards. Its link, which is the
    /// PHY's, stays as it is, or is negotiated if it was not.
    /// </summary>
    /// <exception cref="DataplaneException">It does not come back.</exception>
    public void Reset()
    {
        if (registers.Read32(Status) == uint.MaxValue)
            throw RegisterWait.NoAnswer(device);
        DisableInterrupts();
        registers.Write32(Rctl, 0);
        registers.Write32(Tctl, TctlPadShort);
        _control.EndMemoryAccess();
        // What the device has begun ends before.
        Thread.Sleep(10);

        registers.Write32(Ctrl, registers.Read32(Ctrl) | CtrlReset);
        // The registers do not answer for a while (82576 data sheet 8.2.1).
        Thread.Sleep(5);
        RegisterWait.Until(registers, Ctrl, CtrlReset, 0, TimeSpan.FromMilliseconds(100), device, "CTRL.RST to clear");
        // Some have no EEPROM, and say nothing of having read it.
        _ = RegisterWait.TryUntil(
            registers, Eecd, EecdAutoReadDone, EecdAutoReadDone, TimeSpan.FromMilliseconds(20), out _);
        DisableInterrupts();
        LetLinkComeUp();
    }

    /// <summary>Tells firmware that a driver is there, or that it is gone.</summary>
    public void SetDriverLoaded(bool loaded) => _control.SetDriverLoaded(loaded);

    /// <summary>The address that the device has from its EEPROM, after a reset.</summary>
    /// <exception cref="DataplaneException">It has none.</exception>
    public MacAddress ReadMacAddress() => _control.ReadMacAddress();

    /// <summary>Sets the address that it receives for.</summary>
    public void SetMacAddress(MacAddress address) => _control.SetMacAddress(address);

    /// <summary>Makes the device ready for its rings, which it does not use yet.</summary>
    /// <param name="address">What it receives for.</param>
    /// <param name="configuration">Queues and what shall be found out about frames.</param>
    public void Prepare(MacAddress address, PortConfiguration configuration)
    {
        PortOffloads offloads = configuration.Offloads;
        uint control = registers.Read32(Ctrl)
            & ~(CtrlReset | CtrlPhyReset | CtrlVlanMode | CtrlReceivePause | CtrlTransmitPause | CtrlMasterDisable);
        registers.Write32(Ctrl, offloads.HasFlag(PortOffloads.RxVlanStrip) ? control | CtrlVlanMode : control);
        registers.Write32(Vet, VlanEtherTypes);
        registers.Write32(Wuc, 0);
        registers.Write32(Rfctl, 0);
        registers.Write32(VtCtl, 0);
        PrepareFilters(address);
        PrepareSpread(configuration);
        if (model.IsNew)
        {
            for (int i = 0; i < configuration.RxQueues; i++)
                registers.Write32(Dvmolr0 + (i * IgbQueueRegisters.Stride), DvmolrStripCrc);
        }
    }

    /// <summary>Lets the device send.</summary>
    public void EnableTransmit() =>
        registers.Write32(Tctl, registers.Read32(Tctl) | TctlEnable | TctlPadShort | TctlRetransmitLate);

    /// <summary>Ends sending.</summary>
    public void EndTransmit() => registers.Write32(Tctl, registers.Read32(Tctl) & ~TctlEnable);

    /// <summary>Lets the device receive, or receive otherwise.</summary>
    /// <param name="promiscuous">Frames to any station.</param>
    /// <param name="allMulticast">Frames to any group.</param>
    /// <param name="mtu">The longest payload that matters.</param>
    public void SetReceive(bool promiscuous, bool allMulticast, int mtu)
    {
        registers.Write32(Rlpml, (uint)(mtu + FrameOverhead));
        registers.Write32(Rctl, GigabitReceive.Control(promiscuous, allMulticast, isJumbo: mtu > StandardMtu));
    }

    /// <summary>Ends receiving; frames that are under way may still be written.</summary>
    public void EndReceive() => registers.Write32(Rctl, 0);

    /// <summary>Routes the causes of interrupts to vectors: the link's to 0, those of rx queues to 1 and on.</summary>
    /// <param name="vectors">Vectors of the device; with one there is one interrupt for all.</param>
    /// <param name="rxVectors">How many rx queues have a vector.</param>
    public void RouteInterrupts(int vectors, int rxVectors)
    {
        if (vectors < 2)
        {
            registers.Write32(Gpie, 0);
            return;
        }

        registers.Write32(Gpie, GpieMsiX | GpieClearPending | GpieClearOnRead);
        var routes = new uint[8];
        for (int queue = 0; queue < rxVectors; queue++)
        {
            // Bytes of the register: rx and tx of one queue, rx and tx of the other that shares it.
            (int register, int other) = model.IsNew ? (queue / 2, queue % 2) : (queue % 8, queue / 8);
            routes[register] |= (IvarValid | (uint)(queue + 1)) << (16 * other);
            registers.Write32(Eitr0 + ((queue + 1) * sizeof(uint)), 0);
        }

        for (int i = 0; i < routes.Length; i++)
            registers.Write32(Ivar0 + (i * sizeof(uint)), routes[i]);
        registers.Write32(Eitr0, 0);
        registers.Write32(IvarMisc, IvarValid << 8);
        registers.Write32(Eiac, (2u << rxVectors) - 1);
    }

    /// <summary>Lets changes of the link interrupt.</summary>
    public void EnableLinkInterrupt(int vectors)
    {
        _ = registers.Read32(Icr);
        if (vectors > 1)
            registers.Write32(Eims, 1);
        registers.Write32(Ims, CauseLinkChange);
    }

    /// <summary>Takes the causes away that are not of a queue.</summary>
    /// <returns>Whether the link is one of them.</returns>
    public bool AcknowledgeInterrupt()
    {
        uint causes = registers.Read32(Icr);
        return (causes & CauseLinkChange) != 0 && causes != uint.MaxValue;
    }

    /// <summary>Silences the device.</summary>
    public void DisableInterrupts()
    {
        registers.Write32(Imc, AllCauses);
        registers.Write32(Eimc, AllCauses);
        _ = registers.Read32(Icr);
        _ = registers.Read32(Eicr);
    }

    /// <summary>Asks for the link.</summary>
    public LinkStatus ReadLink() => GigabitLink.Decode(registers.Read32(Status));

    private void LetLinkComeUp()
    {
        uint control = registers.Read32(Ctrl) & ~(CtrlForceSpeed | CtrlForceDuplex | CtrlMasterDisable);
        registers.Write32(Ctrl, control | CtrlSetLinkUp);
        if (model.IsNew)
            registers.Write32(Phpm, registers.Read32(Phpm) & ~PhpmLinkDown);
        _lock.Acquire();
        try
        {
            _phy.WakeUp();
        }
        finally
        {
            _lock.Release();
        }
    }

    private void PrepareFilters(MacAddress address)
    {
        for (int i = 0; model.HasUnicastTable && i < UnicastTableLength; i++)
            registers.Write32(Uta + (i * sizeof(uint)), 0);
        _control.PrepareFilters(address, ReceiveAddresses);
    }

    private void PrepareSpread(PortConfiguration configuration)
    {
        PortOffloads offloads = configuration.Offloads;
        bool spreads = configuration.RxQueues > 1 || offloads.HasFlag(PortOffloads.RxRssHash);
        if (spreads)
            RssTable.Write(registers, Rssrk, Reta, configuration.RxQueues);
        registers.Write32(Mrqc, spreads ? FieldsOf(configuration.RssHash) | MrqcRss : 0);
        registers.Write32(Rxcsum, GigabitReceive.Checksums(offloads) | RxcsumRssHash);
    }

    private static uint FieldsOf(RssHash hash)
    {
        uint fields = 0;
        if (hash.HasFlag(RssHash.Ip))
            fields |= MrqcIp;
        if (hash.HasFlag(RssHash.Tcp))
            fields |= MrqcTcp;
        if (hash.HasFlag(RssHash.Udp))
            fields |= MrqcUdp;
        return fields;
    }
}
