using System.Numerics;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.E1000.E1000Registers;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;
using static Dataplane.Vfio.Nics.Intel.RingRegisters;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// What is done to the device's registers, outside of the queues' own (8254x manual chapter 14, 82574 data sheet
/// chapter 4). Device models keep registers through a reset, so everything that matters is written at each start.
/// </summary>
internal sealed class E1000Hardware<TRegisters>(TRegisters registers, E1000Model model, string device)
    where TRegisters : struct, IRegisterSpace
{
    private const int ReceiveAddresses = 15;
    private const uint VlanEtherType = 0x8100;
    private const uint AllCauses = uint.MaxValue;

    /// <summary>Sixty interrupts a second: the link does not change faster, but a full ring is a cause, too.</summary>
    private const uint SlowestInterrupts = 0xFFFF;

    private readonly GigabitControl<TRegisters> _control = new(registers, device);
    private readonly E1000Phy<TRegisters> _phy = new(registers, model, device);

    // RCTL as last written: reading would cost a round trip, and writing the same again may hold frames back.
    private uint _rctl;

    /// <summary>Resets the device; it neither receives nor sends nor interrupts afterwards.</summary>
    /// <exception cref="DataplaneException">It does not come back.</exception>
    public void Reset()
    {
        if (registers.Read32(Status) == uint.MaxValue)
            throw RegisterWait.NoAnswer(device);
        registers.Write32(Imc, AllCauses);
        SetRctl(0);
        registers.Write32(Tctl, TctlPadShort);
        if (model.IsExpress)
            _control.EndMemoryAccess();
        // What the device has begun ends before.
        Thread.Sleep(10);

        _phy.Acquire();
        registers.Write32(Ctrl, registers.Read32(Ctrl) | CtrlReset);
        // The registers do not answer for a microsecond, and the EEPROM is read again.
        Thread.Sleep(5);
        _phy.Release();
        RegisterWait.Until(registers, Ctrl, CtrlReset, 0, TimeSpan.FromMilliseconds(100), device, "CTRL.RST to clear");
        if (model.IsExpress)
        {
            RegisterWait.Until(
                registers,
                Eecd,
                EecdAutoReadDone,
                EecdAutoReadDone,
                TimeSpan.FromMilliseconds(100),
                device,
                "EECD.AUTO_RD, the end of reading the EEPROM");
            // The PHY's settings come from the EEPROM as well, and there is no sign of their end.
            Thread.Sleep(25);
        }

        registers.Write32(Imc, AllCauses);
        _ = registers.Read32(Icr);
    }

    /// <summary>Tells firmware that a driver is there, or that it is gone.</summary>
    public void SetDriverLoaded(bool loaded)
    {
        if (model.IsExpress)
            _control.SetDriverLoaded(loaded);
    }

    /// <summary>Makes the link come up, unless it is up.</summary>
    /// <exception cref="DataplaneException">The PHY does not answer.</exception>
    public void BringUpLink()
    {
        registers.Write32(Ctrl, registers.Read32(Ctrl) | CtrlSetLinkUp);
        if (!ReadLink().IsUp)
            _phy.WakeUp();
    }

    /// <summary>The address that the device has from its EEPROM, after a reset.</summary>
    /// <exception cref="DataplaneException">It has none.</exception>
    public MacAddress ReadMacAddress()
    {
        // A reset of 8254x does not always load it anew, for example in device models.
        return !model.IsExpress && TryReadEeprom(out MacAddress address) && address.IsUnicast
            ? address
            : _control.ReadMacAddress();
    }

    /// <summary>Sets the address that it receives for.</summary>
    public void SetMacAddress(MacAddress address) => _control.SetMacAddress(address);

    /// <summary>Makes the device ready for its rings, which it does not use yet.</summary>
    /// <param name="address">What it receives for.</param>
    /// <param name="offloads">What it shall do besides. It inserts VLAN tags only if it also takes them out.</param>
    public void Prepare(MacAddress address, PortOffloads offloads)
    {
        uint control = registers.Read32(Ctrl)
            & ~(CtrlReset | CtrlPhyReset | CtrlForceSpeed | CtrlForceDuplex)
            & ~(CtrlVlanMode | CtrlReceivePause | CtrlTransmitPause);
        if (model.IsExpress)
            control &= ~(CtrlMasterDisable | CtrlMustBeZero);
        if ((offloads & (PortOffloads.RxVlanStrip | PortOffloads.TxVlanInsert)) != 0)
            control |= CtrlVlanMode;
        registers.Write32(Ctrl, control | CtrlSetLinkUp);
        if (model.IsExpress)
            SetReservedBits();
        registers.Write32(Pba, model.RxBufferSize);
        registers.Write32(Vet, VlanEtherType);
        registers.Write32(Wuc, 0);
        _control.PrepareFilters(address, ReceiveAddresses);
    }

    /// <summary>Tells the device a ring. Its queue is not in use.</summary>
    /// <param name="queue">The first of the queue's registers.</param>
    /// <param name="iova">Where the ring is.</param>
    /// <param name="byteLength">Bytes of it.</param>
    /// <param name="thresholds">When descriptors are fetched and written back.</param>
    public void SetRing(int queue, ulong iova, int byteLength, uint thresholds)
    {
        RingRegisters.Set(registers, queue, iova, byteLength);
        registers.Write32(queue + Thresholds, thresholds);
    }

    /// <summary>Takes a ring away.</summary>
    public void ClearRing(int queue) => SetRing(queue, iova: 0, byteLength: 0, thresholds: 0);

    /// <summary>Lets the device send.</summary>
    public void EnableTransmit()
    {
        uint control = TctlEnable | TctlPadShort | TctlCollisionThreshold | TctlCollisionDistance | TctlRetransmitLate;
        if (model.IsExpress)
            control |= TctlMultipleRequests;
        else
            registers.Write32(Tipg, TipgCopper);
        registers.Write32(Tctl, control);
    }

    /// <summary>Says what the device finds out about frames, and how they spread over queues.</summary>
    public void PrepareReceive(PortOffloads offloads, RssHash hash, int queues)
    {
        registers.Write32(Rdtr, 0);
        registers.Write32(Radv, 0);
        uint checksums = GigabitReceive.Checksums(offloads);
        if (model.IsExpress)
            registers.Write32(Rfctl, RfctlExtendedDescriptors | RfctlNoAckInterrupt);
        if (model.Queues > 1)
        {
            bool spreads = queues > 1 || offloads.HasFlag(PortOffloads.RxRssHash);
            RssTable.Write(registers, Rssrk, Reta, queues, shift: 7);
            registers.Write32(Mrqc, spreads ? MrqcFor(hash) : 0);
            checksums |= RxcsumRssHash;
        }

        registers.Write32(Rxcsum, checksums);
    }

    /// <summary>Lets the device receive, or receive otherwise.</summary>
    /// <param name="bufferSize">Bytes of each buffer: a power of two from 256 to 16384.</param>
    /// <param name="promiscuous">Frames to any station.</param>
    /// <param name="allMulticast">Frames to any group.</param>
    /// <param name="isJumbo">Frames longer than standard.</param>
    public void SetReceive(int bufferSize, bool promiscuous, bool allMulticast, bool isJumbo)
    {
        uint control = GigabitReceive.Control(promiscuous, allMulticast, isJumbo);
        control |= bufferSize > 2048
            ? RctlBufferSizeExtension | (BufferSizeCode(bufferSize / 16) << RctlBufferSizeShift)
            : BufferSizeCode(bufferSize) << RctlBufferSizeShift;
        SetRctl(control);
    }

    /// <summary>Ends receiving; frames that are under way may still be written.</summary>
    public void EndReceive() => SetRctl(0);

    /// <summary>Waits, within a bound, until a tx queue has sent everything.</summary>
    public void WaitUntilSent(int queue)
    {
        uint tail = registers.Read32(queue + Tail);
        _ = RegisterWait.TryUntil(registers, queue + Head, ushort.MaxValue, tail, TimeSpan.FromMilliseconds(50), out _);
    }

    /// <summary>Routes the causes of interrupts to vectors: the link's to 0, those of rx queues to 1 and on.</summary>
    /// <param name="hasVectors">MSI-X; else there is one interrupt for all.</param>
    /// <param name="rxVectors">How many rx queues have a vector.</param>
    public void RouteInterrupts(bool hasVectors, int rxVectors)
    {
        registers.Write32(Itr, SlowestInterrupts);
        if (!hasVectors)
            return;
        uint vectors = IvarValid << IvarOtherShift;
        uint clearedWhenSent = 0;
        for (int i = 0; i < rxVectors; i++)
        {
            vectors |= (IvarValid | (uint)(i + 1)) << (4 * i);
            clearedWhenSent |= CauseRxQueue0 << i;
        }

        registers.Write32(CtrlExt, registers.Read32(CtrlExt) | CtrlExtClearPending);
        registers.Write32(Ivar, vectors);
        registers.Write32(Eiac, clearedWhenSent);
        registers.Write32(Eitr0, SlowestInterrupts);
    }

    /// <summary>Lets changes of the link interrupt.</summary>
    public void EnableLinkInterrupt(bool hasVectors)
    {
        registers.Write32(Icr, AllCauses);
        registers.Write32(Ims, hasVectors ? CauseLinkChange | CauseOther : CauseLinkChange);
    }

    /// <summary>Takes the causes away that are not of a queue.</summary>
    /// <returns>Whether the link is one of them.</returns>
    public bool AcknowledgeInterrupt()
    {
        // 8254x clear on read; 82574 only what is written, unless it masks automatically, which is not asked for.
        uint causes = registers.Read32(Icr);
        if (model.IsExpress)
            registers.Write32(Icr, causes & ~(CauseRxQueue0 | (CauseRxQueue0 << 1)));
        return (causes & CauseLinkChange) != 0 && causes != uint.MaxValue;
    }

    /// <summary>Silences the device.</summary>
    public void DisableInterrupts() => registers.Write32(Imc, AllCauses);

    /// <summary>Asks for the link.</summary>
    public LinkStatus ReadLink() => GigabitLink.Decode(registers.Read32(Status));

    /// <summary>RCTL.BSIZE of 256 to 2048 bytes: 3 to 0.</summary>
    private static uint BufferSizeCode(int size) => (uint)(11 - BitOperations.Log2((uint)size));

    private static uint MrqcFor(RssHash hash)
    {
        uint fields = MrqcEnable;
        if (hash.HasFlag(RssHash.Ip))
            fields |= MrqcIp;
        if (hash.HasFlag(RssHash.Tcp))
            fields |= MrqcTcp;
        return fields;
    }

    /// <summary>The first three words of the EEPROM; of two ports the second has the other lowest bit.</summary>
    private bool TryReadEeprom(out MacAddress address)
    {
        ulong wire = 0;
        address = default;
        for (int i = 0; i < 3; i++)
        {
            registers.Write32(Eerd, EerdStart | ((uint)i << EerdAddressShift));
            TimeSpan atMost = TimeSpan.FromMilliseconds(10);
            if (!RegisterWait.TryUntil(registers, Eerd, EerdDone, EerdDone, atMost, out uint word))
                return false;
            wire |= (ulong)(word >> EerdDataShift) << (16 * i);
        }

        if ((registers.Read32(Status) & StatusSecondPort) != 0)
            wire ^= 1UL << 40;
        address = new MacAddress(wire);
        return true;
    }

    private void SetRctl(uint value)
    {
        if (value == _rctl && value != 0)
            return;
        _rctl = value;
        registers.Write32(Rctl, value);
    }

    /// <summary>Bits that the data sheet of the 82574 has software set to other than their initial values.</summary>
    private void SetReservedBits()
    {
        registers.Write32(CtrlExt, (registers.Read32(CtrlExt) & ~CtrlExtMustBeZero) | CtrlExtMustBeOne);
        registers.Write32(Tarc0, (registers.Read32(Tarc0) & ~TarcMustBeZero) | TarcMustBeOne);
        registers.Write32(Gcr, registers.Read32(Gcr) | GcrMustBeOne);
        registers.Write32(Gcr2, registers.Read32(Gcr2) | Gcr2MustBeOne);
    }
}
