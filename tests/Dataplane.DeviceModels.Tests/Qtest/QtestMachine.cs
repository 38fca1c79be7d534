using System.Globalization;
using System.Text.Json.Nodes;
using Dataplane.Memory;
using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// A QEMU with one NIC in a hot-plug slot, whose CPU we are. It starts in some 50 ms, so a test has one of its own.
/// The device sees our dataplane memory at the addresses at which we see it.
/// </summary>
internal sealed class QtestMachine : INicMachine
{
    /// <summary>The NIC's id for QMP.</summary>
    public const string NicId = "nic0";

    /// <summary>QEMU's remark that without timers time stands still, which is as wanted.</summary>
    private const string NoTimers = "icount sleep disabled and no active timers";

    private const long OrdinaryMemory = 16 << 20;
    private const ulong DeviceMemoryStart = 0x1_0000_0000;
    private const ulong BarStart = 0xE000_0000;
    private const ulong BarEnd = 0xF000_0000;
    private const int NicBus = 1;

    private static int s_count;

    private readonly DataplaneMemory _memory;
    private readonly MemoryFile _firmware = IdleFirmware.Create();
    private readonly MemoryFile _ordinaryMemory = new("ordinary-memory", OrdinaryMemory);
    private readonly PciPresence _presence = new();
    private readonly List<QtestFunction> _functions = [];
    private readonly QemuProcess _process;
    private readonly QtestClient _client;
    private readonly RootPort _slot;
    private readonly Wire? _wire;

    /// <param name="release">Which QEMU.</param>
    /// <param name="device">Its <c>-device</c> and properties, as in <c>virtio-net-pci,packed=on</c>.</param>
    /// <param name="macAddress">Of the NIC, in the usual notation.</param>
    /// <param name="virtualFunctions">How many VFs it gets.</param>
    /// <param name="memory">What the device may reach; outlives the machine. All of it must be there already.</param>
    /// <param name="backend">Arguments for a netdev of the id <c>wire</c>; null for <see cref="Wire"/>.</param>
    public QtestMachine(
        QemuRelease release,
        string device,
        string macAddress,
        int virtualFunctions,
        DataplaneMemory memory,
        IReadOnlyList<string>? backend = null)
    {
        _memory = memory;
        string name = $"dataplane-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
        _process = new QemuProcess(QemuInstallation.Find(release), Arguments(name, device, macAddress, backend));
        try
        {
            _client = new QtestClient(_process.Connect($"{name}-qtest"), () => _process.LastWords);
            Qmp = new QmpClient(_process.Connect($"{name}-qmp"), () => _process.LastWords);
            if (backend is null)
                _wire = new Wire(_process.Connect($"{name}-wire"));
            OpenWindow();
            _slot = new RootPort(new QtestConfiguration(_client, bus: 0, function: 1 << 3), NicBus, BarStart, BarEnd);
            AddFunctions(virtualFunctions);
        }
        catch (Exception e)
        {
            string words = _process.LastWords;
            Dispose();
            throw new InvalidOperationException($"QEMU with a {device} did not start: {e.Message} {words}", e);
        }
    }

    /// <inheritdoc cref="INicMachine.Nic"/>
    public QtestFunction Nic => _functions[0];

    /// <inheritdoc cref="INicMachine.VirtualFunctions"/>
    public IReadOnlyList<QtestFunction> VirtualFunctions => _functions[1..];

    /// <inheritdoc cref="INicMachine.Wire"/>
    public Wire Wire => _wire ?? throw new InvalidOperationException("The NIC is connected to something else");

    INicFunction INicMachine.Nic => Nic;

    IReadOnlyList<INicFunction> INicMachine.VirtualFunctions => VirtualFunctions;

    IWire INicMachine.Wire => Wire;

    /// <summary>For commands to QEMU.</summary>
    public QmpClient Qmp { get; }

    /// <inheritdoc/>
    public string Complaints => string.Join(
        '\n', _process.Messages.Split('\n').Where(line => !line.Contains(NoTimers, StringComparison.Ordinal)));

    /// <inheritdoc/>
    public void SetLink(bool up) => Qmp.SetLink(NicId, up);

    /// <inheritdoc/>
    public void PullOut()
    {
        _presence.IsGone = true;
        _slot.PowerOff();
    }

    /// <inheritdoc/>
    public void AssertNoStrayDma()
    {
        if (_ordinaryMemory.FindContent() is { } offset)
            Assert.Fail($"The device wrote to address 0x{offset:x}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            // Not after QEMU: interrupts are disabled at the device.
            Disposal.All(_functions);
        }
        finally
        {
            // The wire last: -netdev stream of QEMU 7.2 to 11.1 may crash when its peer goes first.
            _process.Dispose();
            _wire?.Dispose();
            Qmp?.Dispose();
            _client?.Dispose();
            _ordinaryMemory.Dispose();
            _firmware.Dispose();
        }
    }

    private IEnumerable<string> Arguments(string name, string device, string macAddress, IReadOnlyList<string>? backend)
    {
        MemorySegment segment = Assert.Single(_memory.Segments);
        ulong address;
        unsafe
        {
            address = (ulong)segment.Address;
        }

        // Addresses for hot-plugged memory start at 4 GiB when there is none above from the start (hw/i386/pc.c).
        ulong most = address + segment.Length - DeviceMemoryStart + (ulong)OrdinaryMemory;
        string Server(string suffix) => $"unix:{name}-{suffix},abstract=on,server=on,wait=off";
        string Shared(string id, ulong size, string path) =>
            string.Create(CultureInfo.InvariantCulture, $"memory-backend-file,id={id},size={size},mem-path={path},share=on");
        return
        [
            "-machine", "q35,memory-backend=ram,hpet=off,pit=off", "-accel", "tcg",
            // While the CPU is idle, time jumps to the next timer: half a second of autonegotiation takes none.
            "-icount", "shift=0,sleep=off",
            "-nodefaults", "-no-user-config", "-display", "none",
            "-bios", _firmware.Path,
            "-qtest", Server("qtest"), "-qtest-log", "/dev/null", "-qmp", Server("qmp"),
            "-d", "guest_errors",
            // Slots obey the registers of the port, which are PCI Express's own, instead of ACPI.
            "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
            "-m", $"size={OrdinaryMemory}B,slots=1,maxmem={most}B",
            "-object", Shared("ram", (ulong)OrdinaryMemory, _ordinaryMemory.Path),
            "-object", Shared("dataplane", segment.Length, MemoryFile.PathOf(segment.File)),
            "-device", $"pc-dimm,memdev=dataplane,addr=0x{address:x}",
            .. backend ?? ["-netdev", $"stream,id=wire,server=on,addr.type=unix,addr.path={name}-wire,addr.abstract=on"],
            "-device", "pcie-root-port,id=port0,bus=pcie.0,addr=1,chassis=1,slot=1",
            "-device", $"{device},id={NicId},netdev=wire,bus=port0,romfile=,mac={macAddress}",
        ];
    }

    /// <summary>
    /// Lets configuration space be where we look for it (Intel 3 Series Express Chipset data sheet, 5.1.15 "PCIEXBAR").
    /// </summary>
    private void OpenWindow()
    {
        const ushort AddressPort = 0xCF8;
        const ushort DataPort = 0xCFC;
        const uint HostBridge = 0x8000_0000;
        const uint PciexBar = 0x60;
        const uint Enable = 1;
        _client.WritePort(AddressPort, HostBridge | (PciexBar + 4));
        _client.WritePort(DataPort, 0);
        _client.WritePort(AddressPort, HostBridge | PciexBar);
        _client.WritePort(DataPort, (uint)QtestConfiguration.Window | Enable);
    }

    private void AddFunctions(int virtualFunctions)
    {
        var configuration = new QtestConfiguration(_client, NicBus, function: 0);
        ulong cursor = BarStart;
        (ulong Address, long Length)?[] bars = PciBars.Assign(configuration, PciBars.Header, copies: 1, ref cursor);
        var id = new PciId(configuration.Read16(0), configuration.Read16(2));
        _functions.Add(new QtestFunction(_client, _memory, "0000:01:00.0", id, configuration, bars, _presence));
        if (virtualFunctions == 0)
            return;
        var sriov = new SriovCapability(configuration);
        (ulong Address, long Length)?[] all = sriov.Enable(virtualFunctions, ref cursor);
        for (int i = 0; i < virtualFunctions; i++)
        {
            int number = sriov.FunctionOf(i);
            (ulong Address, long Length)?[] own =
                [.. all.Select(bar => bar is { } b ? (b.Address + (ulong)(b.Length * i), b.Length) : ((ulong, long)?)null)];
            _functions.Add(new QtestFunction(
                _client,
                _memory,
                $"0000:01:{number >> 3:x2}.{number & 7}",
                new PciId(id.Vendor, sriov.VirtualFunctionDevice),
                new QtestConfiguration(_client, NicBus, number),
                own,
                _presence));
        }
    }
}
