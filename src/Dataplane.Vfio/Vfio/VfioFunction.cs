using Dataplane.Linux;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Pci;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Vfio;

/// <summary>A PCI function that VFIO gave us. It is disposed behind its port, and takes part of its group along.</summary>
internal sealed class VfioFunction : IPciFunction<MappedRegisters>, IDisposable
{
    // Of the configuration header (PCI Local Bus Specification 3.0, section 6.2.2).
    private const int Command = 0x04;
    private const ushort CommandMemory = 1 << 1;
    private const ushort CommandBusMaster = 1 << 2;

    private readonly VfioGroup _group;
    private readonly VfioDevice _device;
    private readonly VfioInterrupts _interrupts;
    private readonly MsixTable? _msixTable;
    private readonly Dictionary<int, BarMapping> _bars = [];
    private readonly Lock _lossGate = new();
    private Action<string>? _lost;
    private string? _reasonOfLoss;
    private bool _disposed;

    /// <summary>Opens a function; the device can reach no memory yet.</summary>
    /// <param name="group">A share of its group, which this object disposes, even if it cannot be made.</param>
    /// <param name="device">What it is.</param>
    /// <param name="interrupts">The argument of <c>--vfio-intr</c>; null for the best.</param>
    /// <param name="token">What a PF and its VFs share; null for none.</param>
    /// <param name="logger">For what interrupts bring.</param>
    /// <exception cref="DataplaneException">The kernel does not let us have it.</exception>
    public VfioFunction(VfioGroup group, PciDevice device, string? interrupts, Guid? token, ILogger logger)
    {
        Id = device.Id;
        _group = group;
        try
        {
            _device = new VfioDevice(group, device, token);
            Configuration = new VfioConfiguration(_device);
            _msixTable = MsixTable.Read(Configuration);
            SetCommand(CommandMemory, CommandBusMaster);
            _interrupts = new VfioInterrupts(_device, interrupts, Lose, logger);
        }
        catch
        {
            _device?.Dispose();
            group.Dispose();
            throw;
        }
    }

    public string Name => _device.Name;

    public PciId Id { get; }

    public IPciConfiguration Configuration { get; }

    public int InterruptVectors => _interrupts.Vectors;

    public unsafe MappedRegisters OpenBar(int bar)
    {
        if (!_bars.TryGetValue(bar, out BarMapping? mapping))
            _bars.Add(bar, mapping = new BarMapping(_device, bar, _msixTable));
        return new MappedRegisters(mapping.Address);
    }

    public long BarLength(int bar) => (long)_device.Region((uint)bar).Size;

    public void SetBusMaster(bool enabled)
    {
        if (enabled)
            SetCommand(CommandMemory | CommandBusMaster, 0);
        else
            SetCommand(0, CommandBusMaster);
    }

    public bool TryReset() => _device.TryReset();

    public void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues) => _interrupts.Enable(onEvent, rxQueues);

    public void DisableInterrupts() => _interrupts.Disable();

    /// <summary>Says whom to tell when the device must be given back.</summary>
    /// <param name="lost">Called at most once, with the reason; at once if it is known already, else on the control thread.</param>
    public void WhenLost(Action<string> lost)
    {
        string? reason;
        lock (_lossGate)
        {
            _lost = lost;
            reason = _reasonOfLoss;
        }

        if (reason is not null)
            lost(reason);
    }

    /// <summary>Stops the device's DMA and gives everything back; no register is used any more.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        SetBusMaster(false);
        Disposal.All([_interrupts, .. _bars.Values, _device, _group]);
    }

    private void Lose(string reason)
    {
        Action<string>? lost;
        lock (_lossGate)
        {
            // The kernel asks again and again until it has the device.
            if (_reasonOfLoss is not null)
                return;
            _reasonOfLoss = reason;
            lost = _lost;
        }

        lost?.Invoke(reason);
    }

    private void SetCommand(ushort set, ushort clear)
    {
        ushort command = Configuration.Read16(Command);
        Configuration.Write16(Command, (ushort)((command & ~clear) | set));
    }
}
