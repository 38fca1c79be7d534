using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>A port of <see cref="IgbDriver"/>.</summary>
internal sealed partial class IgbPort<TRegisters> : Port
    where TRegisters : struct, IRegisterSpace
{
    private readonly IPciFunction<TRegisters> _function;
    private readonly IgbHardware<TRegisters> _hardware;
    private readonly IgbQueues<TRegisters> _queues;
    private readonly MacAddress _permanentAddress;
    private readonly RxSignals _signals = new();
    private PortConfiguration? _configuration;
    private RxBuffers _buffers;
    private bool _needsReset;

    private IgbPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        IgbModel model,
        IgbHardware<TRegisters> hardware)
        : base(context, CapabilitiesOf(model, function.InterruptVectors), hardware.ReadMacAddress())
    {
        _function = function;
        _hardware = hardware;
        _queues = new IgbQueues<TRegisters>(registers, IgbQueueRegisters.OfPhysicalFunction, context);
        _permanentAddress = MacAddress;
        _droppedBy = [.. IgbCounters.DroppedBy(IgbQueueRegisters.OfPhysicalFunction, model.Queues, default).Select(counter => counter.Offset)];
        _counters = new HardwareCounters<TRegisters>(registers, IgbCounters.Of(model));
        _counters.Reset();
    }

    /// <summary>Resets the device and reads its address.</summary>
    /// <exception cref="DataplaneException">It does not answer as it should.</exception>
    public static IgbPort<TRegisters> Open(PortContext context, IPciFunction<TRegisters> function, IgbModel model)
    {
        TRegisters registers = function.OpenBar(0);
        var hardware = new IgbHardware<TRegisters>(registers, model, function.Name);
        hardware.Reset();
        hardware.SetDriverLoaded(true);
        return new IgbPort<TRegisters>(context, function, registers, model, hardware);
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
        return _queues.AddRx(context, _buffers.Chains, signal, IgbRegisters.Eims, IgbRegisters.Eimc);
    }

    protected override TxQueue CreateTxQueue(TxQueueContext context) => _queues.AddTx(context);

    protected override void OnStart()
    {
        try
        {
            StartDevice(_configuration!);
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
        _hardware.EndReceive();
        _queues.WaitUntilSent();
        _counters.Collect();
        try
        {
            _hardware.EndTransmit();
            if (!_queues.TrySwitchOff())
                Reset();
        }
        catch (DataplaneException exception)
        {
            // It may have been pulled out. Without being bus master it reaches no memory, whatever it does.
            Logger.LogWarning("{Problem}", exception.Message);
        }
        finally
        {
            _function.SetBusMaster(false);
            _queues.Release();
        }
    }

    protected override void OnClose()
    {
        _hardware.SetMacAddress(_permanentAddress);
        _hardware.SetDriverLoaded(false);
        _signals.Dispose();
    }

    protected override void OnSetMacAddress(MacAddress address) => _hardware.SetMacAddress(address);

    protected override void OnSetMtu(int mtu)
    {
        _buffers.Require(Name, mtu);
        if (_isRunning)
            _hardware.SetReceive(Promiscuous, AllMulticast, mtu);
    }

    protected override void OnSetPromiscuous(bool enabled)
    {
        if (_isRunning)
            _hardware.SetReceive(enabled, AllMulticast, Mtu);
    }

    protected override void OnSetAllMulticast(bool enabled)
    {
        if (_isRunning)
            _hardware.SetReceive(Promiscuous, enabled, Mtu);
    }

    private static PortCapabilities CapabilitiesOf(IgbModel model, int vectors) => new()
    {
        MaxRxQueues = model.Queues,
        MaxTxQueues = model.Queues,
        Offloads = PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum
            | PortOffloads.RxRssHash | PortOffloads.RxScatter
            | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum | PortOffloads.TxMultiSegment,
        RssHash = RssHash.Ip | RssHash.Tcp | RssHash.Udp,
        HasRxInterrupts = vectors > 1,
        MaxMtu = IgbQueues<TRegisters>.MaxMtu,
    };

    private void StartDevice(PortConfiguration configuration)
    {
        if (_needsReset)
            Reset();
        _hardware.Prepare(MacAddress, configuration);
        _hardware.RouteInterrupts(_function.InterruptVectors, _signals.All.Count);
        if (_function.InterruptVectors > 0)
            _function.EnableInterrupts(OnInterrupt, _signals.All);
        _function.SetBusMaster(true);
        _queues.Start(_buffers.Kilobytes, drops: configuration.RxQueues > 1);
        _hardware.EnableTransmit();
        _hardware.SetReceive(Promiscuous, AllMulticast, Mtu);
        _queues.ShowBuffers();
        _isRunning = true;
        if (_function.InterruptVectors > 0)
            _hardware.EnableLinkInterrupt(_function.InterruptVectors);
    }

    /// <summary>Resets the device; should it not come back, the next start tries again.</summary>
    private void Reset()
    {
        _needsReset = true;
        _hardware.Reset();
        _hardware.SetDriverLoaded(true);
        _needsReset = false;
    }
}
