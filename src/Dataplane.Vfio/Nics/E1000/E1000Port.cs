using System.Numerics;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using Microsoft.Extensions.Logging;
using static Dataplane.Vfio.Nics.E1000.E1000Registers;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>
/// A port of <see cref="E1000Driver"/>. The device is reset when the port is made and whenever it is stopped.
/// </summary>
/// <typeparam name="TRegisters">How registers are reached.</typeparam>
/// <typeparam name="TRx">The format of receive descriptors.</typeparam>
internal sealed partial class E1000Port<TRegisters, TRx> : Port
    where TRegisters : struct, IRegisterSpace
    where TRx : struct, IRxFormat
{
    /// <summary>RCTL.BSIZE goes down to this.</summary>
    private const int MinBuffer = 256;

    /// <summary>RCTL.BSIZE goes up to this.</summary>
    private const int MaxBuffer = 16384;

    private readonly PortContext _context;
    private readonly IPciFunction<TRegisters> _function;
    private readonly TRegisters _registers;
    private readonly E1000Model _model;
    private readonly E1000Hardware<TRegisters> _hardware;
    private readonly MacAddress _permanentAddress;
    private readonly RxSignals _signals = new();
    private PortConfiguration? _configuration;
    private int _bufferSize;
    private bool _isReset = true;

    private E1000Port(
        PortContext context,
        IPciFunction<TRegisters> function,
        TRegisters registers,
        E1000Model model,
        E1000Hardware<TRegisters> hardware,
        MacAddress address)
        : base(context, CapabilitiesOf(model, function.InterruptVectors), address)
    {
        _context = context;
        _function = function;
        _registers = registers;
        _model = model;
        _hardware = hardware;
        _permanentAddress = address;
        _counters = new HardwareCounters<TRegisters>(registers, E1000Counters.Of(model));
        _counters.Reset();
    }

    /// <summary>More interrupts than one can be told apart.</summary>
    private bool HasVectors => _function.InterruptVectors > 1;

    /// <summary>Resets the device and reads its address.</summary>
    /// <exception cref="DataplaneException">It does not answer as it should.</exception>
    public static E1000Port<TRegisters, TRx> Open(
        PortContext context, IPciFunction<TRegisters> function, E1000Model model)
    {
        TRegisters registers = function.OpenBar(0);
        var hardware = new E1000Hardware<TRegisters>(registers, model, function.Name);
        hardware.Reset();
        hardware.BringUpLink();
        MacAddress address = hardware.ReadMacAddress();
        var port = new E1000Port<TRegisters, TRx>(context, function, registers, model, hardware, address);
        hardware.SetDriverLoaded(true);
        return port;
    }

    protected override void OnConfigure(PortConfiguration configuration)
    {
        const PortOffloads TxChecksums = PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum;
        if (configuration.TxQueues > 1 && (configuration.Offloads & TxChecksums) != 0)
        {
            throw new DataplaneException(
                $"{Name} cannot fill in checksums on {configuration.TxQueues} tx queues: it has one context for all",
                "use one tx queue, or leave TxIpChecksum and TxL4Checksum out");
        }

        _bufferSize = BufferSizeFor(configuration.Pool);
        _signals.Make(Name, configuration, _function.InterruptVectors);
        _configuration = configuration;
    }

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
        _hardware.EndReceive();
        for (int i = 0; i < TxQueues.Count; i++)
            _hardware.WaitUntilSent(TxRegisters(i));
        _counters.Collect();
        ResetQuietly();
        _function.SetBusMaster(false);
        ReleasePackets();
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
        if (_isRunning)
            SetReceive(Promiscuous, AllMulticast, mtu);
    }

    protected override void OnSetPromiscuous(bool enabled)
    {
        if (_isRunning)
            SetReceive(enabled, AllMulticast, Mtu);
    }

    protected override void OnSetAllMulticast(bool enabled)
    {
        if (_isRunning)
            SetReceive(Promiscuous, enabled, Mtu);
    }

    private static PortCapabilities CapabilitiesOf(E1000Model model, int vectors) => new()
    {
        MaxRxQueues = model.Queues,
        MaxTxQueues = model.Queues,
        Offloads = PortOffloads.RxVlanStrip | PortOffloads.RxIpChecksum | PortOffloads.RxL4Checksum
            | PortOffloads.RxScatter
            | PortOffloads.TxVlanInsert | PortOffloads.TxIpChecksum | PortOffloads.TxL4Checksum
            | PortOffloads.TxMultiSegment
            | (model.Queues > 1 ? PortOffloads.RxRssHash : PortOffloads.None),
        RssHash = model.Queues > 1 ? RssHash.Ip | RssHash.Tcp : RssHash.None,
        HasRxInterrupts = model.Queues > 1 && vectors > model.Queues,
        MaxMtu = model.MaxMtu,
    };

    private static int RxRegisters(int queue) => Rdbal0 + (queue * QueueStride);

    private static int TxRegisters(int queue) => Tdbal0 + (queue * QueueStride);

    private int BufferSizeFor(Mempool pool) => pool.DataRoom >= MinBuffer
        ? (int)Math.Min(MaxBuffer, 1u << BitOperations.Log2((uint)pool.DataRoom))
        : throw new DataplaneException(
            $"{Name} cannot use the mempool {pool.Name}: its buffers take {pool.DataRoom} bytes",
            $"give it a data room of at least {MinBuffer} bytes");

    /// <summary>A device that is gone is no reason to keep its memory; without a reset it is not started again.</summary>
    private void ResetQuietly()
    {
        try
        {
            _hardware.Reset();
            _isReset = true;
        }
        catch (DataplaneException e)
        {
            _isReset = false;
            Logger.LogWarning("{Problem}", e.Message);
        }
    }

    private void StartDevice()
    {
        PortConfiguration configuration = _configuration!;
        if (!_isReset)
            _hardware.Reset();
        _isReset = false;
        _hardware.Prepare(MacAddress, configuration.Offloads);
        StartQueues(configuration);
        _hardware.RouteInterrupts(HasVectors, _signals.All.Count);
        if (_function.InterruptVectors > 0)
            _function.EnableInterrupts(OnInterrupt, _signals.All);
        _function.SetBusMaster(true);
        _hardware.EnableTransmit();
        SetReceive(Promiscuous, AllMulticast, Mtu);
        PublishBuffers();
        _isRunning = true;
        if (_function.InterruptVectors > 0)
            _hardware.EnableLinkInterrupt(HasVectors);
    }

    private void SetReceive(bool promiscuous, bool allMulticast, int mtu) =>
        _hardware.SetReceive(_bufferSize, promiscuous, allMulticast, isJumbo: mtu > 1500);
}
