using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>A port of <see cref="IgbDriver"/>. A stop switches queues off and leaves the link alone, so that a start is quick.</summary>
internal sealed class IgbPort<TRegisters> : IgbPortBase<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    private readonly IgbHardware<TRegisters> _hardware;
    private readonly MacAddress _permanentAddress;
    private bool _needsReset;

    private IgbPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        IgbModel model,
        IgbHardware<TRegisters> hardware)
        : base(
            context,
            CapabilitiesOf(model, function.InterruptVectors),
            hardware.ReadMacAddress(),
            function,
            registers,
            IgbQueueRegisters.OfPhysicalFunction,
            (IgbRegisters.Eims, IgbRegisters.Eimc),
            IgbCounters.Of(model))
    {
        _hardware = hardware;
        _permanentAddress = MacAddress;
    }

    /// <summary>Resets the device and reads its address.</summary>
    /// <exception cref="DataplaneException">It does not answer as it should.</exception>
    public static IgbPort<TRegisters> Open(PortContext context, IPciFunction<TRegisters> function, IgbModel model)
    {
        TRegisters registers = function.OpenBar(0);
        var hardware = new IgbHardware<TRegisters>(registers, model, function.Name);
        hardware.Reset();
        var port = new IgbPort<TRegisters>(context, function, registers, model, hardware);
        hardware.SetDriverLoaded(true);
        return port;
    }

    protected override void StartDevice(PortConfiguration configuration)
    {
        if (_needsReset)
            Reset();
        _hardware.Prepare(MacAddress, configuration);
        _hardware.RouteInterrupts(Function.InterruptVectors, Signals.All.Count);
        if (Function.InterruptVectors > 0)
            Function.EnableInterrupts(OnInterrupt, Signals.All);
        Function.SetBusMaster(true);
        Queues.Start(BufferKilobytes, drops: configuration.RxQueues > 1);
        _hardware.EnableTransmit();
        _hardware.SetReceive(Promiscuous, AllMulticast, Mtu);
        Queues.ShowBuffers();
        IsRunning = true;
        if (Function.InterruptVectors > 0)
            _hardware.EnableLinkInterrupt(Function.InterruptVectors);
    }

    protected override void OnStop()
    {
        IsRunning = false;
        _hardware.DisableInterrupts();
        Function.DisableInterrupts();
        _hardware.EndReceive();
        Queues.WaitUntilSent();
        Counters.Collect();
        try
        {
            _hardware.EndTransmit();
            if (!Queues.TrySwitchOff())
                Reset();
        }
        catch (DataplaneException exception)
        {
            // It may have been pulled out. Without being bus master it reaches no memory, whatever it does.
            Logger.LogWarning("{Problem}", exception.Message);
        }
        finally
        {
            Function.SetBusMaster(false);
            Queues.Release();
        }
    }

    protected override void OnClose()
    {
        _hardware.SetMacAddress(_permanentAddress);
        _hardware.SetDriverLoaded(false);
        base.OnClose();
    }

    protected override void OnSetMacAddress(MacAddress address) => _hardware.SetMacAddress(address);

    protected override void ApplyMtu(int mtu) => _hardware.SetReceive(Promiscuous, AllMulticast, mtu);

    protected override void ApplyFilters(bool promiscuous, bool allMulticast) =>
        _hardware.SetReceive(promiscuous, allMulticast, Mtu);

    protected override LinkStatus ReadLink() => IsRunning ? _hardware.ReadLink() : LinkStatus.Down;

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        base.AddDeviceStatistics(ref statistics);
        GigabitCounters.AddTo(ref statistics, Counters);
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

    private void OnInterrupt()
    {
        if (_hardware.AcknowledgeInterrupt() && IsRunning)
            ReportLink(ReadLink());
    }

    /// <summary>Resets the device; should it not come back, the next start tries again.</summary>
    private void Reset()
    {
        _needsReset = true;
        Counters.Suspend();
        _hardware.Reset();
        Counters.Resume();
        _hardware.SetDriverLoaded(true);
        _needsReset = false;
    }
}
