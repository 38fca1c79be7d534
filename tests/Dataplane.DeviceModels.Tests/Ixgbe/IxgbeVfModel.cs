using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Vfio.Nics.Ixgbe;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>
/// A virtual function of 82599, X540 or X550 (82599 data sheet 331520, 8.3), with the driver of its physical function at the
/// other end of the mailbox (<see cref="Parent"/>): "modelled, not run on hardware".
/// </summary>
internal sealed class IxgbeVfModel : DeviceModel
{
    private const int VfCtrl = 0x0, VfStatus = 0x8, VfLinks = 0x10, VtEicr = 0x100, VtEims = 0x108, VtEimc = 0x10C;
    private const int VtEiac = 0x110, VtEiam = 0x114, VtIvar = 0x120, VtIvarMisc = 0x140, VtEitr = 0x820;
    private const int VfMailbox = 0x2FC, VfMbmem = 0x200, VfPsrtype = 0x300, VfMrqc = 0x3000, VfRssrk = 0x3100, VfReta = 0x3200;
    private const int Received = 0x101C, ReceivedBytes = 0x1020, MulticastReceived = 0x1034, Sent = 0x201C, SentBytes = 0x2020;
    private const int Queues = 8;
    private const int FcsLength = 4;
    private const uint Request = 1, Acknowledge = 2, VfOwns = 4, PfSent = 16, PfReceived = 32, ResetIndication = 64, ResetDone = 128;
    private const uint ClearedByRead = PfSent | PfReceived | ResetDone;
    private const uint DeviceReset = 1u << 26;

    private readonly IxgbeFamily _family;
    private bool _cable = true;
    private uint _mask;
    private uint _causes;
    private bool _isReset;

    public IxgbeVfModel(DataplaneMemory memory, IxgbeVariant variant)
        : base(memory)
    {
        _family = variant.Family;
        Parent = new ParentModel { CanGrantPromiscuous = _family != IxgbeFamily.I82599 };
        AddRegisters();
        AddSequences();
        File.Reset();
    }

    /// <summary>The driver of the physical function.</summary>
    public ParentModel Parent { get; }

    /// <summary>Whether the other side says something else before it answers.</summary>
    public bool IsChatty { get; set; }

    public override bool IsLinkUp => _cable && Parent.IsUp;

    protected override bool IsReceiving => Parent.IsClearToSend;

    protected override bool IsTransmitting => true;

    protected override bool IsSwitched => true;

    /// <summary>PFQDE: queues of virtual functions drop, whatever they ask for.</summary>
    protected override int PacketBufferSize => 512 << 10;

    /// <summary>Plugs the cable in or pulls it; the physical function's driver says so to all.</summary>
    public void SetLink(bool up)
    {
        lock (Gate)
        {
            if (_cable == up)
                return;
            _cable = up;
            Notify();
            for (int i = 0; i < Queues; i++)
                Transmit(i);
        }
    }

    /// <summary>The physical function is reset: 4.2.2.1, it forgets the queues and says so.</summary>
    public void ResetParent(bool isBack = true)
    {
        lock (Gate)
        {
            Parent.Forget();
            for (int i = 0; i < Queues; i++)
            {
                File[RxBlock(i) + Offset.Control] &= ~QueueEnable;
                File[TxBlock(i) + Offset.Control] &= ~QueueEnable;
            }

            File[VfMailbox] |= isBack ? ResetDone : ResetIndication;
            Raise(vector: 0);
        }
    }

    protected override int RxBlock(int queue) => 0x1000 + (queue * 0x40);

    protected override int TxBlock(int queue) => 0x2000 + (queue * 0x40);

    protected override void OnFrame(byte[] frame)
    {
        if (!Parent.Accepts(frame))
            return;
        int queue = Choose(frame, out uint hash, out int type);
        Receive(queue, frame, hash, type);
    }

    protected override void OnReceived(int queue, byte[] frame)
    {
        Count(Received, 1);
        Count(ReceivedBytes, (uint)frame.Length + FcsLength, bits: 36);
        if (frame[0] != 0xFF && (frame[0] & 1) != 0)
            Count(MulticastReceived, 1);
        uint entry = File[VtIvar + (queue / 2 * 4)] >> (queue % 2 * 16) & 0xFF;
        if ((entry & 0x80) != 0)
            Raise((int)entry & 3);
    }

    protected override void OnDropped(int queue)
    {
    }

    protected override void OnMissed()
    {
    }

    protected override void OnSent(int queue, byte[] frame)
    {
        Count(Sent, 1);
        Count(SentBytes, (uint)frame.Length + FcsLength, bits: 36);
    }

    private void AddRegisters()
    {
        File.Add(VfCtrl, new("VFCTRL", "8.3.5.1.1", Writable: DeviceReset, Access: Access.WriteOnly));
        File.Add(VfStatus, new("VFSTATUS", "8.3.5.1.2", Access: Access.ReadOnly));
        File.Add(VfLinks, new("VFLINKS", "8.3.5.1.3", Access: Access.ReadOnly));
        File.Add(VtEicr, new("VTEICR", "8.3.5.2.1", Access: Access.ReadOnly));
        File.Add(VtEims, new("VTEIMS", "8.3.5.2.3", Writable: 7, Access: Access.WriteOnly));
        File.Add(VtEimc, new("VTEIMC", "8.3.5.2.4", Writable: 7, Access: Access.WriteOnly));
        File.Add(VtEiac, new("VTEIAC", "8.3.5.2.5", Writable: 7));
        File.Add(VtEiam, new("VTEIAM", "8.3.5.2.6", Writable: 7));
        File.AddArray(VtIvar, 4, 4, new("VTIVAR", "8.3.5.2.8", Writable: 0x8383_8383));
        File.Add(VtIvarMisc, new("VTIVAR_MISC", "8.3.5.2.9", Writable: 0x83));
        File.AddArray(VtEitr, 3, 4, new("VTEITR", "8.3.5.2.7", Writable: 0x801F_8FF8));
        File.Add(VfMailbox, new("VFMAILBOX", "8.3.5.1.5", Writable: uint.MaxValue));
        File.AddArray(VfMbmem, 16, 4, new("VFMBMEM", "8.3.5.1.6"));
        File.Add(VfPsrtype, new("VFPSRTYPE", "8.3.5.3.5", Writable: 0xE000_1330));
        if (_family == IxgbeFamily.X550)
        {
            File.Add(VfMrqc, new("VFMRQC", "X550 8.3.5.3", Writable: 0xFFFF_0001));
            File.AddArray(VfRssrk, 10, 4, new("VFRSSRK", "X550 8.3.5.3"));
            File.AddArray(VfReta, 16, 4, new("VFRETA", "X550 8.3.5.3", Writable: 0x0707_0707));
        }

        foreach ((int offset, string name) in new[]
        {
            (Received, "VFGPRC"), (ReceivedBytes, "VFGORC_LSB"), (ReceivedBytes + 4, "VFGORC_MSB"), (MulticastReceived, "VFMPRC"),
            (Sent, "VFGPTC"), (SentBytes, "VFGOTC_LSB"), (SentBytes + 4, "VFGOTC_MSB"),
        })
        {
            // They start anywhere, for instance just below where they wrap.
            File.Add(offset, new(name, "8.3.5.5", Reset: name.EndsWith("MSB", StringComparison.Ordinal) ? 0xFu : 0xFFFF_FFF0, Access: Access.ReadOnly));
        }

        for (int i = 0; i < Queues; i++)
            AddQueue(i);
    }

    private void AddQueue(int i)
    {
        int rx = RxBlock(i), tx = TxBlock(i);
        File.Add(rx + Offset.BaseLow, new($"VFRDBAL[{i}]", "8.3.5.3.1", Writable: ~0x7Fu));
        File.Add(rx + Offset.BaseHigh, new($"VFRDBAH[{i}]", "8.3.5.3.2"));
        File.Add(rx + Offset.Length, new($"VFRDLEN[{i}]", "8.3.5.3.3", Writable: 0xF_FF80));
        File.Add(rx + Offset.Dca, new($"VFDCA_RXCTRL[{i}]", "8.3.5.4", Reset: 0xB200, Writable: 0xFF00_B2E0));
        File.Add(rx + Offset.Head, new($"VFRDH[{i}]", "8.3.5.3.4", Writable: 0xFFFF));
        File.Add(rx + Offset.SplitControl, new($"VFSRRCTL[{i}]", "8.3.5.3.7", Reset: 0x402, Writable: 0x1FC0_3F1F));
        File.Add(rx + Offset.Tail, new($"VFRDT[{i}]", "8.3.5.3.5", Writable: 0xFFFF));
        File.Add(rx + Offset.Control, new($"VFRXDCTL[{i}]", "8.3.5.3.6", Writable: 0x4200_0000));
        File.Add(rx + Offset.Coalescing, new($"VFRSCCTL[{i}]", "8.3.5.3.8", Writable: 0xD));
        File.Add(tx + Offset.BaseLow, new($"VFTDBAL[{i}]", "8.3.5.4.1", Writable: ~0x7Fu));
        File.Add(tx + Offset.BaseHigh, new($"VFTDBAH[{i}]", "8.3.5.4.2"));
        File.Add(tx + Offset.Length, new($"VFTDLEN[{i}]", "8.3.5.4.3", Writable: 0xF_FF80));
        File.Add(tx + Offset.Dca, new($"VFDCA_TXCTRL[{i}]", "8.3.5.4", Reset: 0x2A00, Writable: 0xFF00_2A20));
        File.Add(tx + Offset.Head, new($"VFTDH[{i}]", "8.3.5.4.4", Writable: 0xFFFF));
        File.Add(tx + Offset.Tail, new($"VFTDT[{i}]", "8.3.5.4.5", Writable: 0xFFFF));
        File.Add(tx + Offset.Control, new($"VFTXDCTL[{i}]", "8.3.5.4.6", Writable: 0x067F_7F7F));
        File.Add(tx + Offset.HeadWriteBackLow, new($"VFTDWBAL[{i}]", "8.3.5.4.7", Writable: ~2u));
        File.Add(tx + Offset.HeadWriteBackHigh, new($"VFTDWBAH[{i}]", "8.3.5.4.8"));
        File.OnWrite(rx + Offset.Control, (before, value) =>
        {
            bool enables = (value & ~before & QueueEnable) != 0;
            Require(!enables || Parent.IsClearToSend, "4.6.7: queue of a virtual function enabled before VF_RESET");
            Require(!enables || i < Parent.Queues, $"GET_QUEUES: rx queue {i} is not ours");
            Require(!enables || Parent.IsFrameLengthSet, "82599 4.6.7: receive enabled before SET_LPE: the physical function forbids it");
            OnRxControl(i, before, value);
        });
        File.OnWrite(rx + Offset.Tail, (_, value) => OnRxTail(i, value));
        File.OnWrite(tx + Offset.Control, (before, value) =>
        {
            Require((value & ~before & QueueEnable) == 0 || Parent.IsClearToSend, "4.6.8: queue of a virtual function enabled before VF_RESET");
            Require((value & ~before & QueueEnable) == 0 || i < Parent.Queues, $"GET_QUEUES: tx queue {i} is not ours");
            OnTxControl(i, before, value);
        });
        File.OnWrite(tx + Offset.Tail, (_, value) => OnTxTail(i, value));
        foreach (int register in (int[])[Offset.BaseLow, Offset.BaseHigh, Offset.Length, Offset.Head])
        {
            File.OnWrite(rx + register, (before, value) => OnRingChange(rx, register, before, value));
            File.OnWrite(tx + register, (before, value) => OnRingChange(tx, register, before, value));
        }
    }

    private void AddSequences()
    {
        File.OnWrite(VfCtrl, (_, value) =>
        {
            if ((value & DeviceReset) == 0)
                return;
            Require(_mask == 0, "4.6.3.1: reset while interrupts are enabled");
            uint indication = File[VfMailbox] & ResetIndication;
            // 8.3.5.5: the counters run on, over a reset of the function too.
            uint[] counters = [.. new[] { Received, ReceivedBytes, ReceivedBytes + 4, MulticastReceived, Sent, SentBytes, SentBytes + 4 }.Select(offset => File[offset])];
            File.Reset();
            ClearPacketBuffer();
            foreach ((int offset, uint count) in new[] { Received, ReceivedBytes, ReceivedBytes + 4, MulticastReceived, Sent, SentBytes, SentBytes + 4 }.Zip(counters))
                File[offset] = count;
            File[VfMailbox] = indication;
            _causes = 0;
            _isReset = true;
            Parent.Forget();
        });
        File.OnRead(VfLinks, _ => IsLinkUp ? (3u << 28) | (1u << 30) : 0);
        File.OnRead(VtEicr, _ =>
        {
            uint causes = _causes;
            _causes = 0;
            return causes;
        });
        File.OnWrite(VtEims, (_, value) =>
        {
            _mask |= value;
            Fire();
        });
        File.OnWrite(VtEimc, (_, value) => _mask &= ~value);
        File.OnRead(VfMailbox, value =>
        {
            File[VfMailbox] &= ~ClearedByRead;
            return value;
        });
        File.OnWrite(VfMailbox, OnMailbox);
        for (int i = 0; i < 16; i++)
        {
            File.OnWrite(VfMbmem + (i * 4), (_, _) =>
                Require((_mailboxOwner & VfOwns) != 0, "8.3.5.1.6: VFMBMEM written without VFMAILBOX.VFU"));
        }
    }

    private uint _mailboxOwner;

    /// <summary>8.3.5.1.5: VFU takes the buffer; REQ and ACK hand it over and give it up.</summary>
    private void OnMailbox(uint before, uint value)
    {
        uint kept = before & ~VfOwns;
        _mailboxOwner = value & VfOwns;
        File[VfMailbox] = kept | _mailboxOwner;
        if ((value & Request) != 0)
        {
            Require((before & VfOwns) != 0, "7.10.2.7: REQ without VFU");
            Require(_isReset, "4.2.2: a message before the function was reset");
            if (!Parent.IsUp)
                return;
            uint[] message = [.. Enumerable.Range(0, 16).Select(i => File[VfMbmem + (i * 4)])];
            // The other side answers from an interrupt: some looks later.
            File.After(3, VfMailbox, () =>
            {
                File[VfMailbox] |= PfReceived;
                if (IsChatty)
                    Say(Parent.Notice);
                File.After(IsChatty ? 20 : 3, VfMailbox, () => Say(Parent.Answer(message)));
            });
        }

        if ((value & Acknowledge) != 0)
            Require((before & VfOwns) != 0, "7.10.2.7: ACK without VFU");
    }

    private void Say(params uint[] message)
    {
        for (int i = 0; i < message.Length; i++)
            File[VfMbmem + (i * 4)] = message[i];
        File[VfMailbox] |= PfSent;
        Raise(vector: 0);
    }

    /// <summary>The other side says something without being asked.</summary>
    public void Notify()
    {
        lock (Gate)
            Say(Parent.Notice);
    }

    private int Choose(byte[] frame, out uint hash, out int type)
    {
        hash = 0;
        type = 0;
        var view = new FrameView(frame);
        if (!view.IsTcp && !view.IsUdp)
            return 0;
        bool isOwn = _family == IxgbeFamily.X550;
        if (isOwn && (File[VfMrqc] & 1) == 0)
            return 0;
        Span<byte> key = stackalloc byte[48];
        for (int i = 0; i < 10; i++)
            BitConverter.TryWriteBytes(key[(i * 4)..], isOwn ? File[VfRssrk + (i * 4)] : 0x1234_5678u * (uint)(i + 1));
        type = view.IsTcp ? (view.IsIpv4 ? 1 : 3) : (view.IsIpv4 ? 7 : 8);
        hash = view.Hash(key, withPorts: true);
        uint queues = 1u << (int)(File[VfPsrtype] >> 29);
        return isOwn
            ? (int)(File[VfReta + (int)(hash & 60)] >> (int)(hash % 4 * 8)) & 7
            : (int)(hash & (queues - 1));
    }

    private void Count(int offset, uint by, int bits = 32)
    {
        if (bits == 32)
        {
            File[offset] += by;
            return;
        }

        ulong sum = (File[offset] | ((ulong)File[offset + 4] << 32)) + by;
        File[offset] = (uint)sum;
        File[offset + 4] = (uint)(sum >> 32) & 0xF;
    }

    private void Raise(int vector)
    {
        _causes |= 1u << vector;
        Fire();
    }

    private void Fire()
    {
        for (int vector = 0; vector < 3; vector++)
        {
            uint bit = 1u << vector;
            if ((_causes & _mask & bit) == 0 || (vector == 0 && (File[VtIvarMisc] & 0x80) == 0))
                continue;
            if ((File[VtEiac] & bit) != 0)
                _causes &= ~bit;
            if ((File[VtEiam] & bit) != 0)
                _mask &= ~bit;
            Interrupt(vector);
        }
    }
}
