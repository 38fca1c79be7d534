using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>
/// A physical function of 82599, X540 or X550, written from the data sheets (82599: 331520; sections are its), since nobody has
/// a device model of one: "modelled, not run on hardware". It has registers, filters, RSS, rings, statistics and a link, and
/// checks each step of the driver's sequences against the section that asks for it.
/// </summary>
internal sealed partial class IxgbeModel : DeviceModel
{
    private const int Queues = 128;
    private const int FcsLength = 4;
    private const int VlanTag = 4;
    private const int ControlWordRss = 1;

    private readonly IxgbeFamily _family;
    private readonly bool _isFiber;
    private readonly MacAddress _address;
    private bool _cable = true;
    private bool _linkWasDown;
    private bool _isReady;
    private bool _isRestarted;
    private uint _phyControl = PhyLowPower;
    private uint _phyAddress;

    /// <param name="memory">What the device reaches.</param>
    /// <param name="variant">Which device.</param>
    /// <param name="address">In its EEPROM.</param>
    public IxgbeModel(DataplaneMemory memory, IxgbeVariant variant, MacAddress address)
        : base(memory)
    {
        _family = variant.Family;
        _isFiber = variant.IsFiber;
        _address = address;
        AddRegisters();
        AddSequences();
        File.Reset();
        LoadEeprom();
        // As the kernel's driver leaves it: nothing enabled, the laser dark, the PHY asleep.
        File[Esdp] |= EsdpLaserOff;
    }

    /// <summary>Whether firmware keeps the driver from taking the link down (8.2.3.22.28).</summary>
    public bool HasVeto
    {
        set => Peek(file => file[Mmngc] = value ? 1u : 0);
    }

    /// <summary>Whether requests of the device are stuck, so that master disable never ends (5.2.5.3.2).</summary>
    public bool IsStuck { get; set; }

    /// <summary>Whether the receive path never runs empty, until the device is reset.</summary>
    public bool HangsReceivePath { get; set; }

    /// <summary>How often the device was reset.</summary>
    public int Resets { get; private set; }

    /// <summary>What happens besides while the driver resets the device. Called under the model's lock.</summary>
    public Action WhileResetting { get; set; } = () => { };

    /// <summary>Whether a resource of SW_FW_SYNC is held by firmware.</summary>
    public uint FirmwareHolds
    {
        set => Peek(file => file[SwFwSync] = value << 5);
    }

    public override bool IsLinkUp => _cable && HasSignal;

    /// <summary>Speed bits of LINKS (8.2.3.22.20).</summary>
    public uint SpeedBits { get; set; } = 3u << 28;

    protected override bool IsReceiving => (File[Rxctrl] & 1) != 0;

    protected override bool IsTransmitting => (File[Dmatxctl] & 1) != 0;

    protected override int PacketBufferSize => (int)(File[Rxpbsize] >> 10) * 1024;

    private bool HasSignal => _isFiber
        ? _isRestarted && (File[Esdp] & EsdpLaserOff) == 0 && (File[Autoc] >> 13 & 7) == 3
        : _family == IxgbeFamily.I82599 || (_phyControl & PhyLowPower) == 0;

    /// <summary>Plugs the cable in or pulls it.</summary>
    public void SetLink(bool up)
    {
        lock (Gate)
        {
            bool was = IsLinkUp;
            _cable = up;
            OnLinkMayHaveChanged(was);
        }
    }

    protected override int RxBlock(int queue) => queue < 64 ? 0x1000 + (queue * 0x40) : 0xD000 + ((queue - 64) * 0x40);

    protected override int TxBlock(int queue) => 0x6000 + (queue * 0x40);

    protected override void OnFrame(byte[] frame)
    {
        if (!IsReceiving)
            return;
        CountReceived(frame); // 8.2.3.23.51: whether it passes the filters or not
        if (!TryAccept(frame))
            return;
        int queue = Choose(frame, out uint hash, out int type);
        Receive(queue, frame, hash, type);
    }

    protected override void OnReceived(int queue, byte[] frame)
    {
        int shift = queue % 2 * 16;
        uint entry = File[Ivar + (queue / 2 * 4)] >> shift & 0xFF;
        if ((entry & 0x80) == 0)
            return;
        int vector = (int)entry & 0x3F;
        _causes |= 1UL << vector;
        FireQueueVectors();
    }

    protected override void OnDropped(int queue) => File[QueueDropped]++;

    protected override void OnMissed() => File[MissedPackets]++;

    protected override void OnSent(int queue, byte[] frame)
    {
        uint length = (uint)frame.Length + FcsLength;
        File[TotalSent]++;
        CountSize(SentBySize, length);
        if (frame[0] == 0xFF)
            File[BroadcastSent]++;
        else if ((frame[0] & 1) != 0)
            File[MulticastSent]++;
    }

    /// <summary>L2 filters and the length (7.1.1, 8.2.3.22.12).</summary>
    private bool TryAccept(byte[] frame)
    {
        bool isTagged = frame[12] == 0x81 && frame[13] == 0;
        bool isJumbo = (File[Hlreg0] & (1 << 2)) != 0;
        int most = (isJumbo ? (int)(File[Maxfrs] >> 16) : 1518) + (isTagged ? VlanTag : 0);
        if (frame.Length + FcsLength > most)
        {
            File[Oversize]++;
            return false;
        }

        uint filter = File[Fctrl];
        if (frame.AsSpan(0, 6).IndexOfAnyExcept((byte)0xFF) < 0)
            return (filter & (1 << 10)) != 0;
        if ((frame[0] & 1) != 0)
            return (filter & (1 << 8)) != 0;
        return (filter & (1 << 9)) != 0 || IsOwn(new MacAddress(frame.AsSpan(0, 6)));
    }

    private bool IsOwn(MacAddress address)
    {
        for (int i = 0; i < 128; i++)
        {
            uint high = File[Rah + (i * 8)];
            if ((high & (1u << 31)) != 0 && address.Wire == (File[Ral + (i * 8)] | ((ulong)(high & 0xFFFF) << 32)))
                return true;
        }

        return false;
    }

    /// <summary>RSS (7.1.2.8).</summary>
    private int Choose(byte[] frame, out uint hash, out int type)
    {
        hash = 0;
        type = 0;
        uint control = File[Mrqc];
        bool isTagged = frame[12] == 0x81 && frame[13] == 0;
        var view = new FrameView(isTagged ? [.. frame[..12], .. frame[16..]] : frame);
        if ((control & 0xF) != ControlWordRss || !(view.IsIpv4 || view.IsIpv6))
            return 0;
        type = HashType(control, view);
        if (type == 0)
            return 0;
        Span<byte> key = stackalloc byte[48];
        for (int i = 0; i < 10; i++)
            BitConverter.TryWriteBytes(key[(i * 4)..], File[Rssrk + (i * 4)]);
        hash = view.Hash(key, type is 1 or 3 or 7 or 8);
        return Redirect(hash);
    }

    /// <summary>7.1.6.2: the RSS type of the descriptor.</summary>
    private static int HashType(uint control, FrameView view)
    {
        (int Bit, int Type) tcp = view.IsIpv4 ? (16, 1) : (21, 3);
        (int Bit, int Type) udp = view.IsIpv4 ? (22, 7) : (23, 8);
        (int Bit, int Type) ip = view.IsIpv4 ? (17, 2) : (20, 5);
        if (view.IsTcp && (control >> tcp.Bit & 1) != 0)
            return tcp.Type;
        if (view.IsUdp && (control >> udp.Bit & 1) != 0)
            return udp.Type;
        return (control >> ip.Bit & 1) != 0 ? ip.Type : 0;
    }

    private int Redirect(uint hash)
    {
        bool isWide = _family == IxgbeFamily.X550;
        int entry = (int)(hash & (isWide ? 511u : 127u));
        int table = entry < 128 ? Reta + entry : Ereta + (entry - 128);
        uint word = File[table & ~3];
        return (int)(word >> (entry % 4 * 8)) & (isWide ? 0x3F : 0xF);
    }

    private void CountReceived(byte[] frame)
    {
        uint length = (uint)frame.Length + FcsLength;
        File[TotalReceived]++;
        ulong bytes = (File[TotalReceivedBytes] | ((ulong)File[TotalReceivedBytes + 4] << 32)) + length;
        File[TotalReceivedBytes] = (uint)bytes;
        File[TotalReceivedBytes + 4] = (uint)(bytes >> 32);
        CountSize(ReceivedBySize, length);
        if (frame[0] == 0xFF)
            File[BroadcastReceived]++;
        else if ((frame[0] & 1) != 0)
            File[MulticastReceived]++;
    }

    private void CountSize(int first, uint length)
    {
        int index = length switch
        {
            <= 64 => 0,
            <= 127 => 1,
            <= 255 => 2,
            <= 511 => 3,
            <= 1023 => 4,
            _ => 5,
        };
        File[first + (index * 4)]++;
    }
}
