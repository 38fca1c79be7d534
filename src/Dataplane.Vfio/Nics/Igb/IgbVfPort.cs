using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>A port of <see cref="IgbVfDriver"/>. Each start is a reset: the PF, which serves it, may be another one by then.</summary>
internal sealed class IgbVfPort<TRegisters> : IgbPortBase<TRegisters>
    where TRegisters : struct, IRegisterSpace
{
    private readonly IgbVfHardware<TRegisters> _hardware;
    private bool _saidCutOff;

    private IgbVfPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        IgbVfHardware<TRegisters> hardware,
        MacAddress address,
        int queues)
        : base(
            context,
            CapabilitiesOf(queues, function.InterruptVectors),
            address,
            function,
            registers,
            IgbQueueRegisters.OfVirtualFunction,
            (IgbVfRegisters.Vteims, IgbVfRegisters.Vteimc),
            IgbVfCounters.Of(queues)) =>
        _hardware = hardware;

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

    protected override void StartDevice(PortConfiguration configuration)
    {
        Counters.Suspend();
        MacAddress address = _hardware.Reset();
        Counters.Resume();
        if (address != MacAddress)
            _hardware.SetMacAddress(MacAddress);
        ApplyMtu(Mtu);
        if (Promiscuous || AllMulticast)
            ApplyFilters(Promiscuous, AllMulticast);
        if (Function.InterruptVectors > 0)
        {
            Function.EnableInterrupts(OnInterrupt, Signals.All);
            _hardware.EnableInterrupts(Signals.All.Count);
        }

        Function.SetBusMaster(true);
        // A VF without buffers must not hold up the others.
        Queues.Start(BufferKilobytes, drops: true);
        Queues.ShowBuffers();
        IsRunning = true;
    }

    protected override void OnStop()
    {
        IsRunning = false;
        _hardware.DisableInterrupts();
        Function.DisableInterrupts();
        Queues.WaitUntilSent();
        Counters.Suspend();
        _ = Queues.TrySwitchOff();
        _hardware.StopDevice();
        Counters.Resume();
        Function.SetBusMaster(false);
        Queues.Release();
    }

    /// <summary>A PF does not listen to a VF between its reset, which a stop is, and the next start, which sets the address.</summary>
    protected override void OnSetMacAddress(MacAddress address)
    {
        if (!_hardware.IsCutOff)
            _hardware.SetMacAddress(address);
    }

    protected override void ApplyMtu(int mtu) => _hardware.SetMtu(mtu);

    protected override void ApplyFilters(bool promiscuous, bool allMulticast)
    {
        if (!_hardware.TrySetPromiscuous(promiscuous, allMulticast))
            Logger.LogWarning("{Port}: the PF lets the VF have no frames for other stations", Name);
    }

    protected override LinkStatus ReadLink()
    {
        if (!IsRunning)
            return LinkStatus.Down;
        LinkStatus link = _hardware.ReadLink();
        if (_hardware.IsCutOff && !_saidCutOff)
            Logger.LogWarning("{Port}: the PF was reset and has forgotten the VF; stop and start the port", Name);
        _saidCutOff = _hardware.IsCutOff;
        return link;
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

    /// <summary>The mailbox: the PF has something to say.</summary>
    private void OnInterrupt()
    {
        if (IsRunning)
            ReportLink(ReadLink());
    }
}
