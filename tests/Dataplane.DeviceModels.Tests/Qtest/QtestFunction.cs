using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Ports;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>A function of a device model, as a driver sees it.</summary>
internal sealed class QtestFunction : INicFunction, IPciFunction<QtestRegisters>, IDisposable
{
    private const int Command = 0x04;
    private const ushort MemorySpace = 1 << 1;
    private const ushort BusMaster = 1 << 2;
    private const int DeviceCapabilities = 4;
    private const uint HasFunctionLevelReset = 1 << 28;
    private const int DeviceControl = 8;
    private const ushort InitiateFunctionLevelReset = 1 << 15;

    private readonly QtestClient _client;
    private readonly DataplaneMemory _memory;
    private readonly PciPresence _presence;
    private readonly (ulong Address, long Length)?[] _bars;
    private readonly int? _messages;
    private InterruptWatcher? _interrupts;
    private MemoryZone? _messageLines;

    /// <param name="client">The CPU.</param>
    /// <param name="memory">Where messages go.</param>
    /// <param name="name">Its address.</param>
    /// <param name="id">A VF's own registers do not say what it is.</param>
    /// <param name="configuration">Its configuration space.</param>
    /// <param name="bars">By number.</param>
    /// <param name="presence">Whether it is plugged in.</param>
    public QtestFunction(
        QtestClient client,
        DataplaneMemory memory,
        string name,
        PciId id,
        IPciConfiguration configuration,
        (ulong Address, long Length)?[] bars,
        PciPresence presence)
    {
        _client = client;
        _memory = memory;
        _presence = presence;
        _bars = bars;
        Name = name;
        Id = id;
        Configuration = configuration;
        foreach (int offset in PciCapabilities.Find(configuration, PciCapabilities.MsiX))
            _messages = offset;
        InterruptVectors = _messages is { } messages ? MessageInterrupts.CountOf(configuration, messages) : 1;
        SetCommand(MemorySpace, enabled: true);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public PciId Id { get; }

    /// <inheritdoc/>
    public IPciConfiguration Configuration { get; }

    /// <inheritdoc/>
    public int InterruptVectors { get; }

    /// <inheritdoc/>
    public bool IsBusMaster => !_presence.IsGone && (Configuration.Read16(Command) & BusMaster) != 0;

    /// <inheritdoc/>
    public QtestRegisters OpenBar(int bar) => new(Open(bar));

    /// <inheritdoc/>
    public long BarLength(int bar) => _bars[bar]?.Length ?? 0;

    /// <inheritdoc/>
    public void SetBusMaster(bool enabled) => SetCommand(BusMaster, enabled);

    /// <inheritdoc/>
    public bool TryReset()
    {
        foreach (int express in PciCapabilities.Find(Configuration, PciCapabilities.Express))
        {
            if ((Configuration.Read32(express + DeviceCapabilities) & HasFunctionLevelReset) == 0)
                continue;
            ushort command = Configuration.Read16(Command);
            int control = Configuration.Read16(express + DeviceControl);
            Configuration.Write16(express + DeviceControl, (ushort)(control | InitiateFunctionLevelReset));
            Restore(command);
            return true;
        }

        return false;
    }

    /// <inheritdoc/>
    public void EnableInterrupts(Action onEvent, IReadOnlyList<EventFd> rxQueues)
    {
        if (_interrupts is not null)
            throw new InvalidOperationException($"Interrupts of {Name} are enabled already");
        if (rxQueues.Count > InterruptVectors - 1)
            throw new InvalidOperationException($"{Name} has {InterruptVectors} vectors: too few for {rxQueues.Count} rx queues");
        if (_messages is { } capability)
        {
            _messageLines ??= _memory.Allocate("messages", MessageInterrupts.LengthFor(InterruptVectors));
            _interrupts = new MessageInterrupts(Configuration, capability, Open, _messageLines, onEvent, rxQueues);
        }
        else
        {
            _client.InterceptInterrupts();
            _interrupts = new LineInterrupts(_client, onEvent);
        }

        _interrupts.Start();
    }

    /// <inheritdoc/>
    public void DisableInterrupts()
    {
        (_interrupts as MessageInterrupts)?.Disable();
        _interrupts?.Dispose();
        _interrupts = null;
    }

    /// <inheritdoc/>
    public Port CreatePort(INicDriver driver, PortContext context, Devargs arguments) => driver.Create(context, this, arguments);

    /// <inheritdoc/>
    public void Abandon()
    {
        DisableInterrupts();
        SetBusMaster(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DisableInterrupts();
        _messageLines?.Dispose();
    }

    private QtestBar Open(int bar) => _bars[bar] is { } place
        ? new QtestBar(_client, place.Address, place.Length, _presence)
        : throw new DataplaneException($"{Name} has no memory BAR {bar}");

    private void SetCommand(ushort bit, bool enabled)
    {
        int command = Configuration.Read16(Command);
        Configuration.Write16(Command, (ushort)(enabled ? command | bit : command & ~bit));
    }

    /// <summary>Gives the device back what a reset took.</summary>
    private void Restore(ushort command)
    {
        for (int i = 0; i < _bars.Length; i++)
        {
            if (_bars[i] is { } place)
                Configuration.Write32(PciBars.Header + (i * 4), (uint)place.Address);
        }

        Configuration.Write16(Command, command);
        (_interrupts as MessageInterrupts)?.Program();
    }
}
