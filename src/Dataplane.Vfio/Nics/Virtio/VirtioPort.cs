using System.Buffers.Binary;
using System.Diagnostics;
using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Virtio;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>
/// A port of <see cref="VirtioDriver"/>. Every start goes through the whole initialization of virtio 1.2, section 3.1.1: a
/// stop resets the device, which is the one way to have it let go of all buffers.
/// </summary>
internal sealed class VirtioPort<TRegisters> : Port
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>Descriptors of the control queue: a command is a chain of two.</summary>
    private const int ControlQueueSize = 16;

    /// <summary>Least descriptors of a queue; for a packet in a chain.</summary>
    private const int LeastDescriptors = 8;

    /// <summary>How long a stop waits for the device to send what it has.</summary>
    private static readonly TimeSpan DrainAtMost = TimeSpan.FromMilliseconds(200);

    private readonly IPciFunction<TRegisters> _function;
    private readonly VirtioPciDevice<TRegisters> _device;
    private readonly VirtioNetOffer _offer;
    private readonly DataplaneMemory _memory;
    private readonly uint? _speed;
    private readonly RxSignals _rxSignals = new();
    private PortConfiguration? _configuration;
    private VirtioControlQueue? _control;
    private VirtioFeatures _features;
    private volatile bool _isRunning;
    private bool _hasComplained;
    private bool _wasUp;

    private VirtioPort(
        PortContext context, IPciFunction<TRegisters> function, VirtioPciDevice<TRegisters> device, VirtioNetOffer offer, uint? speed)
        : base(context, offer.ToCapabilities(hasRxInterrupts: function.InterruptVectors > 1), offer.MacAddress)
    {
        _function = function;
        _device = device;
        _offer = offer;
        _memory = context.Memory;
        _speed = speed;
    }

    /// <summary>All but the control queue.</summary>
    private IEnumerable<IVirtioQueue> Queues => RxQueues.Cast<IVirtioQueue>().Concat(TxQueues.Cast<IVirtioQueue>());

    private bool HasControlQueue => (_features & VirtioFeatures.NetCtrlVq) != 0;

    /// <summary>Behind all pairs if there are several, used or not (section 5.1.2).</summary>
    private int ControlQueueIndex =>
        2 * ((_features & VirtioFeatures.NetMq) != 0 ? _device.ReadConfig16(VirtioNetConfig.MaxVirtqueuePairs) : 1);

    /// <summary>Makes the port of a function.</summary>
    /// <exception cref="DataplaneException">The device cannot be used, or an argument is wrong.</exception>
    public static VirtioPort<TRegisters> Open(PortContext context, IPciFunction<TRegisters> function, Devargs arguments)
    {
        uint? speed = arguments.Has(VirtioDriver.SpeedKey)
            ? (uint)arguments.GetInt32(VirtioDriver.SpeedKey, 0, 0, int.MaxValue) : null;
        _ = arguments.GetBoolean(VirtioDriver.VectorizedKey);
        var device = new VirtioPciDevice<TRegisters>(function, VirtioNetConfig.Status + sizeof(ushort));
        VirtioNetOffer offer = VirtioNetOffer.Read(device, context.Memory, arguments);
        return new VirtioPort<TRegisters>(context, function, device, offer, speed);
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        ReleaseConfiguration();
        _features = _offer.FeaturesFor(configuration);
        CheckQueues(configuration);
        CheckRoom(configuration.Pool, Mtu);
        _rxSignals.Make(Name, configuration, _function.InterruptVectors);
        _configuration = configuration;
        Initialize();
        if (HasControlQueue)
        {
            int index = ControlQueueIndex;
            _control = VirtioQueues.CreateControl(OptionsFor(index, ControlQueueSize, "control"), _device.NotifierOf(index, _features), Name);
        }
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context)
    {
        int index = RxIndex(context.Index);
        _rxSignals.TryGet(context.Index, out EventFd? signal);
        return VirtioQueues.CreateRx(
            context, Id, OptionsFor(index, context.Descriptors, "rx"), _device.NotifierOf(index, _features), signal);
    }

    protected override TxQueue CreateTxQueue(TxQueueContext context)
    {
        int index = TxIndex(context.Index);
        return VirtioQueues.CreateTx(context, OptionsFor(index, context.Descriptors, "tx"), _device.NotifierOf(index, _features));
    }

    protected override void OnStart()
    {
        try
        {
            Initialize();
            StartQueues();
            EnableInterrupts();
            _function.SetBusMaster(true);
            ShowQueues();
            _hasComplained = false;
            _wasUp = false;
            _isRunning = true;
            _device.Go();
            Command();
            foreach (VirtioRxQueue queue in RxQueues.Cast<VirtioRxQueue>())
                queue.Kick();
        }
        catch
        {
            StopDevice();
            throw;
        }
    }

    protected override void OnStop()
    {
        long start = Stopwatch.GetTimestamp();
        while (TxQueues.Cast<VirtioTxQueue>().Sum(queue => queue.Clean()) != 0 && Stopwatch.GetElapsedTime(start) < DrainAtMost)
            Thread.Sleep(1);
        StopDevice();
    }

    protected override void OnClose()
    {
        ReleaseConfiguration();
        _device.Reset();
    }

    protected override LinkStatus ReadLink()
    {
        LinkStatus link = ReadLinkNow();
        if (!Interlocked.Exchange(ref _wasUp, link.IsUp) && link.IsUp)
            KickTxQueues();
        return link;
    }

    protected override void OnSetMacAddress(MacAddress address)
    {
        if ((_offer.Features & VirtioFeatures.NetCtrlMacAddr) == 0)
        {
            throw new DataplaneException(
                $"{Name}: the MAC address of the device cannot be changed: it does not offer VIRTIO_NET_F_CTRL_MAC_ADDR",
                "QEMU: -device virtio-net-pci,ctrl_mac_addr=on, or give it the address by mac=");
        }

        if (_isRunning)
            SendMacAddress(address);
    }

    protected override void OnSetMtu(int mtu)
    {
        if (_configuration is not null)
            CheckRoom(_configuration.Pool, mtu);
    }

    protected override void OnSetPromiscuous(bool enabled)
    {
        if (_isRunning)
            SendRxMode(VirtioNetCommand.RxPromiscuous, enabled);
    }

    protected override void OnSetAllMulticast(bool enabled)
    {
        if (_isRunning)
            SendRxMode(VirtioNetCommand.RxAllMulticast, enabled);
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) =>
        VirtioQueueStatistics.Add(this, statistics);

    private static int RxIndex(int queue) => 2 * queue;

    private static int TxIndex(int queue) => (2 * queue) + 1;

    /// <summary>Section 3.1.1, steps 1 to 6.</summary>
    private void Initialize()
    {
        _ = _device.Begin();
        _device.Accept(_features);
    }

    private void StartQueues()
    {
        foreach (IVirtioQueue queue in Queues)
            queue.Start();
        _control?.Start();
    }

    private void EnableInterrupts()
    {
        if (_function.InterruptVectors != 0)
            _function.EnableInterrupts(OnEvent, _rxSignals.All);
    }

    /// <summary>
    /// Section 3.1.1, step 7. Without MSI-X vectors are not looked at; a single one is for changes of the configuration.
    /// </summary>
    private void ShowQueues()
    {
        bool hasVectors = PciCapabilities.IsMsiXEnabled(_function.Configuration);
        _device.SetConfigVector(hasVectors ? (ushort)0 : VirtioPciRegisters.NoVector);
        foreach (VirtioRxQueue queue in RxQueues.Cast<VirtioRxQueue>())
        {
            ushort vector = hasVectors && queue.Interrupt is not null ? (ushort)(queue.Index + 1) : VirtioPciRegisters.NoVector;
            _device.EnableQueue(RxIndex(queue.Index), queue.Size, queue.Addresses, vector);
        }

        foreach (VirtioTxQueue queue in TxQueues.Cast<VirtioTxQueue>())
            _device.EnableQueue(TxIndex(queue.Index), queue.Size, queue.Addresses, VirtioPciRegisters.NoVector);
        if (_control is not null)
            _device.EnableQueue(ControlQueueIndex, _control.Size, _control.Addresses, VirtioPciRegisters.NoVector);
    }

    /// <summary>Tells the device what a reset made it forget.</summary>
    private void Command()
    {
        SendQueues();
        // Without VIRTIO_NET_F_MAC it does not know the one that we made up.
        bool isKnown = (_features & VirtioFeatures.NetMac) != 0 && MacAddress == _offer.MacAddress;
        if (!isKnown && (_features & VirtioFeatures.NetCtrlMacAddr) != 0)
            SendMacAddress(MacAddress);
        SendRxMode(VirtioNetCommand.RxPromiscuous, Promiscuous);
        SendRxMode(VirtioNetCommand.RxAllMulticast, AllMulticast);
    }

    private void SendQueues()
    {
        if ((_features & VirtioFeatures.NetMq) == 0)
            return;
        if (UsesRss(_configuration!))
        {
            uint types = VirtioRssConfiguration.HashTypes(_configuration!.RssHash, _offer.HashTypes);
            Send(
                VirtioNetCommand.MqRssConfig,
                VirtioRssConfiguration.Encode(types, _offer.IndirectionEntries, RxQueues.Count, TxQueues.Count));
            return;
        }

        Span<byte> pairs = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(pairs, (ushort)Math.Max(Math.Max(RxQueues.Count, TxQueues.Count), 1));
        Send(VirtioNetCommand.MqPairsSet, pairs);
    }

    private void SendMacAddress(MacAddress address)
    {
        Span<byte> octets = stackalloc byte[MacAddress.Length];
        address.CopyTo(octets);
        Send(VirtioNetCommand.MacAddressSet, octets);
    }

    /// <summary>A device without VIRTIO_NET_F_CTRL_RX gives us what it likes: more than was asked for does no harm.</summary>
    private void SendRxMode(VirtioNetCommand command, bool enabled)
    {
        if ((_features & VirtioFeatures.NetCtrlRx) != 0)
            Send(command, [enabled ? (byte)1 : (byte)0]);
    }

    private void Send(VirtioNetCommand command, ReadOnlySpan<byte> data)
    {
        if (!_control!.TrySend(command, data))
            throw new DataplaneException($"{Name}: the device refused the control queue's command {command}");
    }

    private LinkStatus ReadLinkNow()
    {
        if (!_isRunning || (_device.Status & VirtioStatus.DeviceNeedsReset) != 0)
            return LinkStatus.Down;
        bool isUp = (_features & VirtioFeatures.NetStatus) == 0
            || (_device.ReadConfig16(VirtioNetConfig.Status) & VirtioNetConfig.LinkUp) != 0;
        return isUp ? ReadSpeed() : LinkStatus.Down;
    }

    /// <summary>
    /// QEMU (7.2 to 10.0 at least, virtqueue_packed_drop_all) leaves notifications of a packed tx queue suppressed if there was one
    /// while the link was down; a further one, which is allowed at any time, lets it look at the queue again.
    /// </summary>
    private void KickTxQueues()
    {
        // With data a notification is not any thread's to send: it would be of the past.
        if ((_features & VirtioFeatures.NotificationData) != 0)
            return;
        // An interrupt may come before the device may be notified (section 3.1.1, step 8); there was nothing to send then.
        if ((_device.Status & VirtioStatus.DriverOk) == 0)
            return;
        foreach (VirtioTxQueue queue in TxQueues.Cast<VirtioTxQueue>())
            queue.Kick();
    }

    private LinkStatus ReadSpeed()
    {
        if (_speed is { } asked)
            return new LinkStatus(IsUp: true, asked);
        if ((_features & VirtioFeatures.NetSpeedDuplex) == 0)
            return new LinkStatus(IsUp: true, LinkStatus.UnknownSpeed);
        uint speed = _device.ReadConfig32(VirtioNetConfig.Speed);
        return new LinkStatus(
            IsUp: true,
            speed <= int.MaxValue ? speed : LinkStatus.UnknownSpeed,
            FullDuplex: _device.ReadConfig8(VirtioNetConfig.Duplex) != 0);
    }

    /// <summary>On a control thread: the configuration changed, or the device is lost.</summary>
    private void OnEvent()
    {
        _device.ClearInterrupt();
        if (!_isRunning)
            return;
        if ((_device.Status & VirtioStatus.DeviceNeedsReset) != 0 && !_hasComplained)
        {
            _hasComplained = true;
            Logger.LogError("{Name}: the device is in a state from which only a reset leads; stop and start the port", Name);
        }

        ReportLink(ReadLink());
    }

    private void StopDevice()
    {
        _isRunning = false;
        try
        {
            _device.Reset();
        }
        finally
        {
            _function.DisableInterrupts();
            _function.SetBusMaster(false);
            foreach (IVirtioQueue queue in Queues)
                queue.Stop();
        }
    }

    private bool UsesRss(PortConfiguration configuration) =>
        configuration.RxQueues > 1 && (_features & VirtioFeatures.NetRss) != 0
        && _offer.IndirectionEntries >= configuration.RxQueues
        && VirtioRssConfiguration.HashTypes(configuration.RssHash, _offer.HashTypes) != 0;

    private void CheckQueues(PortConfiguration configuration)
    {
        if (configuration.RxQueues < configuration.TxQueues && !UsesRss(configuration) && configuration.TxQueues > 1)
        {
            throw new DataplaneException(
                $"{Name}: {configuration.TxQueues} tx queues need as many rx queues: the device spreads frames over all pairs that are in use",
                $"configure {configuration.TxQueues} rx queues");
        }
    }

    /// <summary>Without mergeable buffers the device has one buffer per frame and drops what does not fit.</summary>
    private void CheckRoom(Mempool pool, int mtu)
    {
        if ((_features & VirtioFeatures.NetMrgRxbuf) == 0 && pool.DataRoom < mtu + VirtioNetFrames.Overhead)
        {
            throw new DataplaneException(
                $"{Name}: frames of an MTU of {mtu} bytes do not fit into the buffers of {pool.Name}, which hold {pool.DataRoom} bytes, and the device does not offer VIRTIO_NET_F_MRG_RXBUF",
                "use larger buffers or a smaller MTU, or QEMU: -device virtio-net-pci,mrg_rxbuf=on");
        }
    }

    /// <summary>The options of a queue that shall have so many descriptors: a power of two that the device can.</summary>
    private VirtqueueOptions OptionsFor(int index, int descriptors, string kind)
    {
        int most = Math.Min(_device.MaxSizeOf(index), VirtqueueLayout.MaxSize);
        if (most == 0)
            throw new DataplaneException($"{Name}: the device has no queue {index} ({kind}), although its features say so");
        int wanted = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Clamp(descriptors, LeastDescriptors, VirtqueueLayout.MaxSize));
        int possible = 1 << System.Numerics.BitOperations.Log2((uint)most);
        return new VirtqueueOptions
        {
            Memory = _memory,
            Name = $"{Name} {kind} queue {index}",
            NumaNode = NumaNode,
            Size = Math.Min(wanted, possible),
            Features = _features,
        };
    }

    private void ReleaseConfiguration()
    {
        _control?.Dispose();
        _control = null;
        _rxSignals.Dispose();
    }
}
