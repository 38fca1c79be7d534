using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>
/// What ports of physical and virtual functions have alike: queues, their rings, their interrupts. The device moves no data
/// while the port is stopped: its queues are disabled and it may not touch memory.
/// </summary>
internal abstract class IxgbeFunctionPort<TRegisters> : Port
    where TRegisters : struct, IRegisterSpace
{
    private const int FcsLength = 4;

    /// <summary>8.2.3.22.12: what any device of the family sends at most, FCS included.</summary>
    private const int MaxSentFrame = 15872;

    /// <summary>How long packets that wait to be sent are waited for when the port stops.</summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromMilliseconds(100);

    private readonly PortContext _context;
    private readonly RxSignals _signals = new();
    private readonly Lock _linkGate = new();
    private PortConfiguration? _configuration;

    protected IxgbeFunctionPort(
        PortContext context,
        IPciFunction<TRegisters> function,
        IxgbeDevice<TRegisters> device,
        PortCapabilities capabilities,
        MacAddress address,
        IReadOnlyList<HardwareCounter> statistics)
        : base(context, capabilities, address)
    {
        _context = context;
        Function = function;
        Nic = device;
        Statistics = new HardwareCounters<TRegisters>(device.Registers, statistics);
        Statistics.Reset();
    }

    protected IPciFunction<TRegisters> Function { get; }

    protected IxgbeDevice<TRegisters> Nic { get; }

    protected HardwareCounters<TRegisters> Statistics { get; }

    /// <summary>How the device uses the buffers of the configuration.</summary>
    protected RxBuffers Buffers { get; private set; }

    /// <summary>
    /// Whether the device is started, so that any thread may ask for its link. Written by the control plane.
    /// </summary>
    private bool IsRunning
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Rx queues that wake lcores; they have the vectors 1 and up.</summary>
    protected int InterruptingQueues => _signals.All.Count;

    /// <summary>What physical and virtual functions can do alike.</summary>
    protected static PortOffloads CommonOffloads =>
        PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum | PortOffloads.RxRssHash
        | PortOffloads.RxScatter | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum
        | PortOffloads.TxMultiSegment;

    /// <summary>
    /// Whether what is sent passes the switch between functions, which needs a context for every packet: 7.2.3.2.4, CC.
    /// X550 takes a VF that sends otherwise for malicious and stops its queues.
    /// </summary>
    protected virtual bool IsSwitched => false;

    /// <summary>Where the registers of a receive queue start.</summary>
    protected abstract int RxBlock(int queue);

    /// <summary>Where the registers of a transmit queue start.</summary>
    protected abstract int TxBlock(int queue);

    /// <summary>The interrupt of a receive queue.</summary>
    protected abstract RxInterrupt InterruptOf(int queue, EventFd signal);

    /// <summary>Brings the device into a known state and applies the port's settings; no queue works yet.</summary>
    protected abstract void PrepareDevice(PortConfiguration configuration);

    /// <summary>Programs the causes of interrupts, which the bus lets through already.</summary>
    protected abstract void EnableInterrupts();

    /// <summary>Ends what <see cref="EnableInterrupts"/> began.</summary>
    protected abstract void DisableInterrupts();

    /// <summary>Asks the device for its link.</summary>
    protected abstract LinkStatus ReadDeviceLink();

    /// <summary>What happened at vector 0.</summary>
    protected abstract void OnInterrupt();

    protected override void OnConfigure(PortConfiguration configuration)
    {
        _configuration = configuration;
        Buffers = RxBuffers.For(Name, configuration, Mtu);
        _signals.Make(Name, configuration, Function.InterruptVectors);
    }

    protected override RxQueue CreateRxQueue(RxQueueContext context) => new AdvancedRxQueue<TRegisters>(
        context,
        _context,
        Nic.Registers,
        new AdvancedRxSettings
        {
            TailRegister = RxBlock(context.Index) + RingRegisters.Tail,
            ErrorShift = AdvancedRx.TenGigabitErrorShift,
            Chains = Buffers.Chains,
            Interrupt = _signals.TryGet(context.Index, out EventFd? signal) ? InterruptOf(context.Index, signal) : null,
        });

    protected override TxQueue CreateTxQueue(TxQueueContext context) => new AdvancedTxQueue<TRegisters>(
        context,
        _context,
        Nic.Registers,
        new AdvancedTxSettings
        {
            TailRegister = TxBlock(context.Index) + RingRegisters.Tail,
            MaxFrame = MaxSentFrame - FcsLength,
            ContextBits = AdvancedTx.CheckContext,
            PlainContext = IsSwitched ? AdvancedTx.PlainContext : default,
            PlainBits = IsSwitched ? AdvancedTx.CheckContext | AdvancedTx.SecondContext : 0,
        });

    protected override void OnStart()
    {
        try
        {
            foreach (AdvancedRxQueue<TRegisters> queue in RxQueues.Cast<AdvancedRxQueue<TRegisters>>())
                queue.Fill(Name);
            PrepareDevice(_configuration!);
            // From here on the link may change, and that must not be missed.
            IsRunning = true;
            Function.SetBusMaster(true);
            if (Function.InterruptVectors != 0)
            {
                Function.EnableInterrupts(OnInterrupt, _signals.All);
                EnableInterrupts();
            }

            StartTransmit();
            StartReceive(_configuration!);
        }
        catch
        {
            HaltAfterFailure();
            throw;
        }
    }

    protected override void OnStop() => Halt(drain: true);

    protected override void OnClose() => _signals.Dispose();

    /// <summary>A reset, or what a function and its parent say to each other, is not disturbed by other threads.</summary>
    protected sealed override LinkStatus ReadLink()
    {
        lock (_linkGate)
            return IsRunning ? ReadDeviceLink() : LinkStatus.Down;
    }

    protected override void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics) => Statistics.AddTo(statistics);

    protected override void OnResetStatistics() => Statistics.Reset();

    /// <summary>Opens the transmit unit, if it is the function's.</summary>
    protected virtual void OpenTransmit()
    {
    }

    /// <summary>Opens the receive unit, if it is the function's; its queues work already.</summary>
    protected virtual void OpenReceive()
    {
    }

    /// <summary>Closes both units, if they are the function's; <see cref="OpenReceive"/> may not have been reached.</summary>
    protected virtual void CloseReceive()
    {
    }

    /// <inheritdoc cref="CloseReceive"/>
    protected virtual void CloseTransmit()
    {
    }

    /// <summary>Whether a full queue must not hold up the others.</summary>
    protected virtual bool DropsWhenEmpty => true;

    private void StartTransmit()
    {
        foreach (AdvancedTxQueue<TRegisters> queue in TxQueues.Cast<AdvancedTxQueue<TRegisters>>())
            IxgbeRings.ProgramTx(Nic, TxBlock(queue.Index), queue.Ring);
        OpenTransmit();
        for (int i = 0; i < TxQueues.Count; i++)
            IxgbeRings.EnableTx(Nic, TxBlock(i));
    }

    private void StartReceive(PortConfiguration configuration)
    {
        bool stripVlan = configuration.Offloads.HasFlag(PortOffloads.RxVlanStrip);
        foreach (AdvancedRxQueue<TRegisters> queue in RxQueues.Cast<AdvancedRxQueue<TRegisters>>())
        {
            int block = RxBlock(queue.Index);
            IxgbeRings.ProgramRx(Nic, block, queue.Ring, Buffers, DropsWhenEmpty);
            IxgbeRings.EnableRx(Nic, block, stripVlan);
            queue.Publish();
        }

        if (RxQueues.Count != 0)
            OpenReceive();
    }

    /// <summary>What made the start fail is what people should hear of.</summary>
    private void HaltAfterFailure()
    {
        try
        {
            Halt(drain: false);
        }
        catch (DataplaneException e)
        {
            Logger.LogDebug("{Port}: {Reason}", Name, e.Message);
        }
    }

    private void Halt(bool drain)
    {
        // Whoever is asking for the link is done then, and nobody else begins.
        lock (_linkGate)
            IsRunning = false;
        try
        {
            // A device that was pulled out has stopped by itself.
            bool isThere = Nic.IsThere;
            if (isThere)
                DisableInterrupts();
            Function.DisableInterrupts();
            if (isThere)
            {
                StopTransmit(drain);
                StopReceive();
                Statistics.Collect();
            }
        }
        finally
        {
            // Whatever failed: behind this no DMA happens, and the buffers can go back.
            Function.SetBusMaster(false);
            foreach (AdvancedRxQueue<TRegisters> queue in RxQueues.Cast<AdvancedRxQueue<TRegisters>>())
                queue.Release();
            foreach (AdvancedTxQueue<TRegisters> queue in TxQueues.Cast<AdvancedTxQueue<TRegisters>>())
                queue.Release();
        }
    }

    private void StopTransmit(bool drain)
    {
        bool isMoving = drain && ReadDeviceLink().IsUp;
        foreach (AdvancedTxQueue<TRegisters> queue in TxQueues.Cast<AdvancedTxQueue<TRegisters>>())
        {
            int block = TxBlock(queue.Index);
            if (isMoving)
                isMoving = IxgbeRings.TryDrainTx(Nic, block, queue.Tail, DrainTime);
            Note(IxgbeRings.TryDisableTx(Nic, block), "TXDCTL", queue.Index);
        }

        CloseTransmit();
    }

    private void StopReceive()
    {
        CloseReceive();
        for (int i = 0; i < RxQueues.Count; i++)
            Note(IxgbeRings.TryDisableRx(Nic, RxBlock(i)), "RXDCTL", i);
        Thread.Sleep(1);
    }

    /// <summary>
    /// A queue with packets that a dead link keeps from being sent may stay on. It does no harm: the device loses its access to
    /// memory next, and is reset before it gets it back.
    /// </summary>
    private void Note(bool isOff, string register, int queue)
    {
        if (!isOff)
            Logger.LogDebug("{Port}: {Register}[{Queue}].ENABLE did not clear", Name, register, queue);
    }
}
