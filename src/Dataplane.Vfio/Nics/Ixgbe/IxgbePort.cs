using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Ixgbe.IxgbeRegisters;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>A port of <see cref="IxgbeDriver"/>.</summary>
internal sealed class IxgbePort<TRegisters> : IxgbeFunctionPort<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>8.2.3.22.12: frames of 15.5 KiB at most, FCS included.</summary>
    private const int MaxFrame = 15872;

    /// <summary>4.6.8 without DCB and virtualization.</summary>
    private const int MaxTxQueues = 64;

    private readonly IxgbeLink<TRegisters> _link;
    private bool _isReset = true;

    private IxgbePort(
        PortContext context, IPciFunction<TRegisters> function, IxgbeDevice<TRegisters> device, bool keepLaser)
        : base(
            context,
            function,
            device,
            CapabilitiesOf(function, device.Variant),
            ReadAddress(device),
            IxgbeCounters.All) =>
        _link = new IxgbeLink<TRegisters>(device, keepLaser);

    /// <summary>Resets a device and makes its port.</summary>
    public static IxgbePort<TRegisters> Open(
        PortContext context, IPciFunction<TRegisters> function, IxgbeVariant variant, bool keepLaser)
    {
        var device = new IxgbeDevice<TRegisters>(function.OpenBar(0), function.Name, variant);
        function.SetBusMaster(false);
        IxgbeReset.Run(device, function.Configuration);
        try
        {
            return new IxgbePort<TRegisters>(context, function, device, keepLaser);
        }
        catch
        {
            IxgbeReset.Release(device);
            throw;
        }
    }

    /// <summary>A single queue had better use all of the packet buffer.</summary>
    protected override bool DropsWhenEmpty => RxQueues.Count > 1;

    protected override int RxBlock(int queue) => IxgbeQueues.Rx(queue);

    protected override int TxBlock(int queue) => IxgbeQueues.Tx(queue);

    protected override RxInterrupt InterruptOf(int queue, EventFd signal) => IxgbeInterrupts.ForQueue(queue, signal);

    protected override void PrepareDevice(PortConfiguration configuration)
    {
        if (!_isReset)
        {
            Statistics.Suspend();
            IxgbeReset.Run(Nic, Function.Configuration);
            Statistics.Resume();
        }

        _isReset = false;
        OnSetMacAddress(MacAddress);
        IxgbeReceive.Initialize(Nic, configuration, Mtu, Promiscuous, AllMulticast);
        IxgbeTransmit.Initialize(Nic);
        _link.Enable();
    }

    protected override void OpenTransmit() => IxgbeTransmit.Open(Nic);

    protected override void OpenReceive() => IxgbeReceive.SetEnabled(Nic, enabled: true);

    protected override void CloseReceive() => IxgbeReceive.SetEnabled(Nic, enabled: false);

    protected override void CloseTransmit() => IxgbeTransmit.Close(Nic);

    protected override void EnableInterrupts() =>
        IxgbeInterrupts.Enable(Nic, InterruptingQueues, Function.InterruptVectors > 1);

    protected override void DisableInterrupts() => IxgbeInterrupts.Disable(Nic);

    protected override void OnInterrupt()
    {
        if ((Nic.Read(Eicr) & EicrLinkStatusChange) != 0)
            _ = GetLink();
    }

    protected override void OnStop()
    {
        base.OnStop();
        if (Nic.IsThere)
            _link.Disable();
    }

    protected override void OnClose()
    {
        if (Nic.IsThere)
            IxgbeReset.Release(Nic);
        base.OnClose();
    }

    protected override LinkStatus ReadDeviceLink() => _link.Read();

    protected override void OnSetMacAddress(MacAddress address) => ReceiveAddress.Write(Nic.Registers, Ral, 0, address);

    protected override void OnSetMtu(int mtu)
    {
        Buffers.Require(Name, mtu);
        IxgbeReceive.SetFrameSize(Nic, mtu);
    }

    protected override void OnSetPromiscuous(bool enabled) => SetFilter(enabled, AllMulticast);

    protected override void OnSetAllMulticast(bool enabled) => SetFilter(Promiscuous, enabled);

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        Statistics.Collect();
        statistics.InputMissed += Statistics.Total(IxgbeCounters.MissedPackets) + Statistics.Total(IxgbeCounters.QueueDropped);
        foreach (int register in IxgbeCounters.Broken)
            statistics.InputErrors += Statistics.Total(register);
    }

    private void SetFilter(bool promiscuous, bool allMulticast)
    {
        bool receives = State == PortState.Started && RxQueues.Count != 0;
        if (receives)
            CloseReceive();
        IxgbeReceive.SetFilter(Nic, promiscuous, allMulticast);
        if (receives)
            OpenReceive();
    }

    private static PortCapabilities CapabilitiesOf(IPciFunction<TRegisters> function, IxgbeVariant variant) => new()
    {
        MaxRxQueues = variant.MaxRxQueues,
        MaxTxQueues = MaxTxQueues,
        Offloads = CommonOffloads,
        RssHash = RssHash.Ip | RssHash.Tcp | RssHash.Udp,
        HasRxInterrupts = function.InterruptVectors > 1,
        MaxMtu = MaxFrame - IxgbeReceive.FrameOverhead,
    };

    private static MacAddress ReadAddress(IxgbeDevice<TRegisters> device)
    {
        MacAddress address = ReceiveAddress.Read(device.Registers, Ral, 0);
        return address.IsUnicast
            ? address
            : throw new DataplaneException(
                $"{device.Name} has no MAC address: its EEPROM gives {address}", "restore the card's EEPROM or NVM image");
    }
}
