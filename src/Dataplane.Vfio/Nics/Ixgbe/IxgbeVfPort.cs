using System.Numerics;
using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeVfRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>A port of <see cref="IxgbeVfDriver"/>.</summary>
internal sealed class IxgbeVfPort<TRegisters> : IxgbeFunctionPort<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>What physical functions grant (Linux: IXGBE_MAX_JUMBO_FRAME_SIZE), FCS included.</summary>
    private const int MaxFrame = 9728;

    private readonly VfMailbox<TRegisters> _mailbox;
    private readonly IxgbeParent<TRegisters> _parent;
    private readonly bool _asksParent;
    private bool _isReset = true;
    private bool _parentWasReset;

    private IxgbeVfPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        IxgbeDevice<TRegisters> device,
        VfMailbox<TRegisters> mailbox,
        IxgbeParent<TRegisters> parent,
        VfIntroduction introduction,
        bool asksParent)
        : base(
            context,
            function,
            device,
            CapabilitiesOf(function, device.Variant, introduction.Queues),
            introduction.Address,
            IxgbeVfCounters.All)
    {
        _mailbox = mailbox;
        _parent = parent;
        _asksParent = asksParent;
    }

    /// <summary>Resets a device, introduces it to its physical function and makes its port.</summary>
    /// <param name="context">What the runtime gives.</param>
    /// <param name="function">The device.</param>
    /// <param name="variant">What it is.</param>
    /// <param name="asksParent">Whether the link counts as up only while the physical function talks to us.</param>
    public static IxgbeVfPort<TRegisters> Open(
        PortContext context, IPciFunction<TRegisters> function, IxgbeVariant variant, bool asksParent)
    {
        var device = new IxgbeDevice<TRegisters>(function.OpenBar(0), function.Name, variant);
        var mailbox = new VfMailbox<TRegisters>(device.Registers, VfMailbox, VfMbmem);
        var parent = new IxgbeParent<TRegisters>(device, mailbox);
        function.SetBusMaster(false);
        IxgbeVfReset.Run(device, mailbox);
        MacAddress address = parent.Introduce();
        if (address.IsZero)
        {
            address = MacAddress.CreateRandom();
            context.Logger.LogInformation(
                "{Device} was given no MAC address by its physical function and takes {Address}; ip link set PF vf N mac ADDRESS gives it one",
                device.Name,
                address);
        }

        var introduction = new VfIntroduction(address, parent.CountQueues(IxgbeVfReset.Queues));
        return new IxgbeVfPort<TRegisters>(context, function, device, mailbox, parent, introduction, asksParent);
    }

    protected override bool IsSwitched => true;

    protected override int RxBlock(int queue) => IxgbeVfReset.RxBlock(queue);

    protected override int TxBlock(int queue) => IxgbeVfReset.TxBlock(queue);

    protected override RxInterrupt InterruptOf(int queue, EventFd signal) =>
        new(signal, VtEims, VtEimc, 1u << (queue + 1));

    protected override void PrepareDevice(PortConfiguration configuration)
    {
        if (!_isReset)
        {
            Statistics.Suspend();
            IxgbeVfReset.Run(Nic, _mailbox);
            Statistics.Resume();
            _ = _parent.Introduce();
        }

        _isReset = false;
        _ = _mailbox.TakePfReset();
        Volatile.Write(ref _parentWasReset, false);
        OnSetMacAddress(MacAddress);
        RequestFrameLength(Mtu);
        ApplyReceiveMode(ModeOf(Promiscuous, AllMulticast));
        InitializeHash(configuration);
    }

    protected override void EnableInterrupts()
    {
        Nic.Write(VtIvarMisc, IxgbeRegisters.IvarValid);
        uint causes = 0;
        for (int queue = 0; queue < InterruptingQueues; queue++)
        {
            int vector = queue + 1;
            int shift = queue % 2 * 16;
            Nic.Change(
                VtIvar + (queue / 2 * sizeof(uint)),
                set: (uint)(IxgbeRegisters.IvarValid | vector) << shift,
                clear: 0xFFu << shift);
            Nic.Write(VtEitr + (vector * sizeof(uint)), 0);
            causes |= 1u << vector;
        }

        Nic.Write(VtEiac, causes);
        Nic.Write(VtEiam, causes);
        Nic.Write(VtEims, 1); // vector 0
    }

    protected override void DisableInterrupts() => IxgbeVfReset.MaskInterrupts(Nic);

    /// <summary>Vector 0: the physical function wrote a message, as it does when the link changes, or was reset.</summary>
    protected override void OnInterrupt()
    {
        _ = Nic.Read(VtEicr);
        LookIntoMailbox();
        _ = GetLink();
    }

    protected override LinkStatus ReadDeviceLink()
    {
        if (_asksParent || Function.InterruptVectors == 0)
            LookIntoMailbox();
        if (Volatile.Read(ref _parentWasReset))
            return LinkStatus.Down;
        uint links = Nic.Read(VfLinks);
        return (links & IxgbeRegisters.LinksUp) == 0 || links == uint.MaxValue
            ? LinkStatus.Down
            : IxgbeLink<TRegisters>.Describe(links, Nic.Variant.Family);
    }

    protected override void OnSetMacAddress(MacAddress address)
    {
        if (!_parent.TrySetMacAddress(address))
        {
            throw new DataplaneException(
                $"{Name} cannot have the MAC address {address}: its physical function refuses",
                "give it that address (ip link set PF vf N mac ADDRESS) or let it choose (ip link set PF vf N trust on)");
        }
    }

    protected override void OnSetMtu(int mtu)
    {
        Buffers.Require(Name, mtu);
        RequestFrameLength(mtu);
    }

    protected override void OnSetPromiscuous(bool enabled) => ApplyReceiveMode(ModeOf(enabled, AllMulticast));

    protected override void OnSetAllMulticast(bool enabled) => ApplyReceiveMode(ModeOf(Promiscuous, enabled));

    protected override void AddDeviceStatistics(ref PortStatistics statistics) => Statistics.Collect();

    private static PortCapabilities CapabilitiesOf(IPciFunction<TRegisters> function, IxgbeVariant variant, int queues) => new()
    {
        MaxRxQueues = queues,
        MaxTxQueues = queues,
        Offloads = CommonOffloads,
        // On 82599 and X540 the physical function's hash counts for all.
        RssHash = variant.Family == IxgbeFamily.X550 ? RssHash.Ip | RssHash.Tcp | RssHash.Udp : RssHash.None,
        HasRxInterrupts = function.InterruptVectors > 1,
        MaxMtu = MaxFrame - IxgbeReceive.FrameOverhead,
    };

    private static VfReceiveMode ModeOf(bool promiscuous, bool allMulticast)
    {
        if (promiscuous)
            return VfReceiveMode.Promiscuous;
        return allMulticast ? VfReceiveMode.AllMulticast : VfReceiveMode.Own;
    }

    private void ApplyReceiveMode(VfReceiveMode mode)
    {
        // What a function has from its reset on need not be granted.
        if (!_parent.TrySetReceiveMode(mode) && mode != VfReceiveMode.Own)
        {
            throw new DataplaneException(
                $"{Name} cannot receive {(mode == VfReceiveMode.Promiscuous ? "frames for others" : "all multicast frames")}: its physical function refuses",
                mode == VfReceiveMode.Promiscuous
                    ? "allow it on the host: ip link set PF vf N trust on, and ip link set PF promisc on (not possible on 82599)"
                    : "allow it on the host: ip link set PF vf N trust on");
        }
    }

    private void RequestFrameLength(int mtu)
    {
        if (!_parent.TrySetFrameLength(mtu + IxgbeReceive.FrameOverhead))
        {
            throw new DataplaneException(
                $"{Name} cannot have an MTU of {mtu} bytes: its physical function refuses",
                $"raise that one's first: ip link set PF mtu {mtu}");
        }
    }

    private void InitializeHash(PortConfiguration configuration)
    {
        int queues = Math.Max(configuration.RxQueues, 1);
        Nic.Write(VfPsrtype, (uint)BitOperations.Log2(BitOperations.RoundUpToPowerOf2((uint)queues)) << VfPsrtypeQueuesShift);
        if (Nic.Variant.Family != IxgbeFamily.X550)
            return;
        bool usesHash = queues > 1 && configuration.RssHash != RssHash.None;
        if (usesHash)
        {
            RssTable.WriteKey(Nic.Registers, VfRssrk);
            RssTable.Spread(Nic.Registers, VfReta, VfRetaLength, queues);
        }

        Nic.Write(VfMrqc, usesHash ? IxgbeRegisters.MrqcRss | IxgbeHash.Fields(configuration.RssHash) : 0);
    }

    private void LookIntoMailbox()
    {
        bool wasReset = _mailbox.TakePfReset();
        Span<uint> notice = stackalloc uint[1];
        while (_mailbox.TryTakeNotice(notice))
            wasReset |= IxgbeParent<TRegisters>.HasForgotten(notice[0]);
        if (wasReset && !Interlocked.Exchange(ref _parentWasReset, true))
        {
            Logger.LogWarning(
                "{Port}: its physical function was reset and has forgotten its queues; no frames pass until the port is restarted",
                Name);
        }
    }

    /// <summary>What the physical function said first.</summary>
    private sealed record VfIntroduction(MacAddress Address, int Queues);
}
