using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>A port of <see cref="IgbVfDriver"/>. Each start is a reset: the PF, which serves it, may be another one by then.</summary>
internal sealed partial class IgbVfPort<TRegisters> : Port
    where TRegisters : struct, IRegisterSpace
{
    private readonly IPciFunction<TRegisters> _function;
    private readonly IgbVfHardware<TRegisters> _hardware;
    private readonly IgbQueues<TRegisters> _queues;
    private readonly RxSignals _signals = new();
    private PortConfiguration? _configuration;
    private RxBuffers _buffers;

    private IgbVfPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        IgbVfHardware<TRegisters> hardware,
        MacAddress address,
        int queues)
        : base(context, CapabilitiesOf(queues, function.InterruptVectors), address)
    {
        _function = function;
        _hardware = hardware;
        _queues = new IgbQueues<TRegisters>(registers, IgbQueueRegisters.OfVirtualFunction, context);
        _counters = new HardwareCounters<TRegisters>(registers, IgbVfCounters.Of(queues));
        _droppedBy = [.. IgbCounters.DroppedBy(IgbQueueRegisters.OfVirtualFunction, queues, default).Select(counter => counter.Offset)];
        _counters.Reset();
    }

    /// <summary>Resets the VF and asks the PF for its address.</summary>
    /// <exception cref="DataplaneException">VF or PF does not answer as it should.</exception>
    public static IgbVfPort<TRegisters> Open(PortContext context, IPciFunction<TRegisters> function, int queues)
    {
        TRegisters registers = function.OpenBar(0);
        var hardware = new IgbVfHardware<TRegisters>(registers, function.Name);
        MacAddress address = hardware.Reset();
        if (address.IsZero)
        {
            address = MacAddress.CreateRandom();
            hardware.SetMacAddress(address);
        }

        return new IgbVfPort<TRegisters>(context, function, registers, hardware, address, queues);
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        _queues.Clear();
        _buffers = RxBuffers.For(Name, configuration, Mtu);
        _signals.Make(Name, configuration, _function.InterruptVectors);
        _configuration = configuration;
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context)
    {
        _ = _signals.TryGet(context.Index, out var signal);
        return _queues.AddRx(context, _buffers.Chains, signal, IgbVfRegisters.Vteims, IgbVfRegisters.Vteimc);
    }

    protected override TxQueue CreateTxQueue(TxQueueContext context) => _queues.AddTx(context);

    protected override void OnStart()
    {
        try
        {
            StartDevice();
        }
        catch
        {
            OnStop();
            throw;
        }
    }

    protected override void OnStop()
    {
        _isRunning = false;
        _hardware.DisableInterrupts();
        _function.DisableInterrupts();
        _queues.WaitUntilSent();
        _counters.Collect();
        _ = _queues.TrySwitchOff();
        _hardware.StopDevice();
        _counters.OnDeviceReset();
        _function.SetBusMaster(false);
        _queues.Release();
    }

    protected override void OnClose() => _signals.Dispose();

    protected override void OnSetMacAddress(MacAddress address) => _hardware.SetMacAddress(address);

    protected override void OnSetMtu(int mtu)
    {
        _buffers.Require(Name, mtu);
        if (_isRunning)
            _hardware.SetMtu(mtu);
    }

    protected override void OnSetPromiscuous(bool enabled)
    {
        if (_isRunning)
            SetPromiscuous(enabled, AllMulticast);
    }

    protected override void OnSetAllMulticast(bool enabled)
    {
        if (_isRunning)
            SetPromiscuous(Promiscuous, enabled);
    }

    private static PortCapabilities CapabilitiesOf(int queues, int vectors) => new()
    {
        MaxRxQueues = queues,
        MaxTxQueues = queues,
        // What is taken out of frames, and how they spread over queues, is the PF's affair.
        Offloads = PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum | PortOffloads.RxScatter
            | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment,
        HasRxInterrupts = vectors > 1,
        MaxMtu = IgbQueues<TRegisters>.MaxMtu,
    };

    private void StartDevice()
    {
        MacAddress address = _hardware.Reset();
        if (address != MacAddress)
            _hardware.SetMacAddress(MacAddress);
        _hardware.SetMtu(Mtu);
        if (Promiscuous || AllMulticast)
            SetPromiscuous(Promiscuous, AllMulticast);
        if (_function.InterruptVectors > 0)
        {
            _function.EnableInterrupts(OnInterrupt, _signals.All);
            _hardware.EnableInterrupts(_signals.All.Count);
        }

        _function.SetBusMaster(true);
        // A VF without buffers must not hold up the others.
        _queues.Start(_buffers.Kilobytes, drops: true);
        _queues.ShowBuffers();
        _isRunning = true;
    }

    private void SetPromiscuous(bool promiscuous, bool allMulticast)
    {
        if (!_hardware.TrySetPromiscuous(promiscuous, allMulticast))
            Logger.LogWarning("{Port}: the PF lets the VF have no frames for other stations", Name);
    }
}
