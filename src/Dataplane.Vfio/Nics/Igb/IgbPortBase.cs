using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>What the ports of PFs and VFs have in common: queues, rx signals, statistics, and when the device is told of changes.</summary>
internal abstract class IgbPortBase<TRegisters> : Port
    where TRegisters : struct, IRegisterSpace
{
    private readonly (int Set, int Clear) _vectorMasks;
    private readonly int[] _droppedBy;
    private RxBuffers _buffers;

    /// <param name="context">As the driver got it.</param>
    /// <param name="capabilities">What the port can do.</param>
    /// <param name="address">What the device has.</param>
    /// <param name="function">The device.</param>
    /// <param name="registers">Its registers.</param>
    /// <param name="layout">Where those of queues are.</param>
    /// <param name="vectorMasks">EIMS and EIMC.</param>
    /// <param name="counters">Statistics registers.</param>
    protected IgbPortBase(
        PortContext context,
        PortCapabilities capabilities,
        MacAddress address,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        IgbQueueRegisters layout,
        (int Set, int Clear) vectorMasks,
        IReadOnlyList<HardwareCounter> counters)
        : base(context, capabilities, address)
    {
        Function = function;
        Queues = new IgbQueues<TRegisters>(registers, layout, context);
        Counters = new HardwareCounters<TRegisters>(registers, counters);
        _vectorMasks = vectorMasks;
        _droppedBy =
        [
            .. IgbCounters.DroppedBy(layout, capabilities.MaxRxQueues, CounterKind.ClearOnRead).Select(counter => counter.Offset),
        ];
        Counters.Reset();
    }

    protected IPciFunction<TRegisters> Function { get; }

    protected IgbQueues<TRegisters> Queues { get; }

    protected RxSignals Signals { get; } = new();

    protected HardwareCounters<TRegisters> Counters { get; }

    protected PortConfiguration? Configuration { get; private set; }

    /// <summary>KiB of each receive buffer.</summary>
    protected int BufferKilobytes => _buffers.Kilobytes;

    /// <summary>Whether the device is started. Written by the control plane, read by the interrupt's thread.</summary>
    protected bool IsRunning
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        Queues.Clear();
        _buffers = RxBuffers.For(Name, configuration, Mtu);
        Signals.Make(Name, configuration, Function.InterruptVectors);
        Configuration = configuration;
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context)
    {
        _ = Signals.TryGet(context.Index, out var signal);
        return Queues.AddRx(context, _buffers.Chains, signal, _vectorMasks.Set, _vectorMasks.Clear);
    }

    protected override TxQueue CreateTxQueue(TxQueueContext context) => Queues.AddTx(context);

    protected override void OnStart()
    {
        try
        {
            StartDevice(Configuration!);
        }
        catch
        {
            OnStop();
            throw;
        }
    }

    protected override void OnClose() => Signals.Dispose();

    protected override void OnSetMtu(int mtu)
    {
        _buffers.Require(Name, mtu);
        if (IsRunning)
            ApplyMtu(mtu);
    }

    protected override void OnSetPromiscuous(bool enabled)
    {
        if (IsRunning)
            ApplyFilters(enabled, AllMulticast);
    }

    protected override void OnSetAllMulticast(bool enabled)
    {
        if (IsRunning)
            ApplyFilters(Promiscuous, enabled);
    }

    protected override void AddDeviceStatistics(ref PortStatistics statistics)
    {
        Counters.Collect();
        foreach (int counter in _droppedBy)
            statistics.InputMissed += Counters.Total(counter);
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) => Counters.AddTo(statistics);

    protected override void OnResetStatistics() => Counters.Reset();

    /// <summary>Starts the device; undone by <see cref="Port.OnStop"/> if it throws.</summary>
    protected abstract void StartDevice(PortConfiguration configuration);

    /// <summary>Tells the started device its MTU.</summary>
    protected abstract void ApplyMtu(int mtu);

    /// <summary>Tells the started device what it shall receive besides frames for the port.</summary>
    protected abstract void ApplyFilters(bool promiscuous, bool allMulticast);
}
