using System.Globalization;
using System.Text.Json.Nodes;
using Dataplane.Memory;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// The process of a QEMU with one NIC in a hot-plug slot, and what of it is not its CPU's: the cable and QMP. The device sees
/// dataplane memory, of this or another process, at the addresses at which that process sees it.
/// </summary>
internal sealed class QtestProcess : IDisposable
{
    /// <summary>The NIC's id for QMP.</summary>
    public const string NicId = "nic0";

    /// <summary>QEMU's remark that without timers time stands still, which is as wanted.</summary>
    private const string NoTimers = "icount sleep disabled and no active timers";

    private const long OrdinaryMemory = 16 << 20;

    /// <summary>Addresses for hot-plugged memory start at 4 GiB when there is none above from the start (hw/i386/pc.c).</summary>
    private const ulong DeviceMemoryStart = 0x1_0000_0000;

    /// <summary>Addresses for memory that is added: those that a process reserves for its first runtime, from 4 GiB on.</summary>
    private const ulong MostAddedMemory = 32UL << 30;

    private const int MemorySlots = 16;

    private static int s_count;

    private readonly MemoryFile _firmware = IdleFirmware.Create();
    private readonly MemoryFile _ordinaryMemory = new("ordinary-memory", OrdinaryMemory);
    private readonly string _name = $"dataplane-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}";
    private readonly QemuProcess _process;
    private readonly Wire? _wire;
    private int _added;

    /// <param name="release">Which QEMU.</param>
    /// <param name="device">Its <c>-device</c> and properties, as in <c>virtio-net-pci,packed=on</c>.</param>
    /// <param name="macAddress">Of the NIC, in the usual notation.</param>
    /// <param name="memory">What the device may reach from the start, of this process; null for nothing yet.</param>
    /// <param name="backend">Arguments for a netdev of the id <c>wire</c>; null for <see cref="Wire"/>.</param>
    public QtestProcess(
        QemuRelease release, string device, string macAddress, MemorySegment? memory, IReadOnlyList<string>? backend = null)
    {
        _process = new QemuProcess(QemuInstallation.Find(release), Arguments(device, macAddress, memory, backend));
        try
        {
            Qmp = new QmpClient(_process.Connect($"{_name}-qmp"), () => _process.LastWords);
            if (backend is null)
                _wire = new Wire(_process.Connect($"{_name}-wire"));
        }
        catch (Exception e)
        {
            string words = _process.LastWords;
            Dispose();
            throw new InvalidOperationException($"QEMU with a {device} did not start: {e.Message} {words}", e);
        }
    }

    /// <summary>Where its CPU is played from: the name of an abstract socket.</summary>
    public string CpuSocket => $"{_name}-qtest";

    /// <summary>The far end of the cable.</summary>
    public Wire Wire => _wire ?? throw new InvalidOperationException("The NIC is connected to something else");

    /// <summary>For commands to QEMU.</summary>
    public QmpClient Qmp { get; }

    /// <summary>What the device models complained about; empty for nothing.</summary>
    public string Complaints => string.Join(
        '\n', _process.Messages.Split('\n').Where(line => !line.Contains(NoTimers, StringComparison.Ordinal)));

    /// <summary>Where the device wrote that is no dataplane memory; null for nowhere.</summary>
    public long? StrayWrite => _ordinaryMemory.FindContent();

    /// <summary>Plays its CPU from this process.</summary>
    public QtestClient Connect() => new(_process.Connect(CpuSocket), () => _process.LastWords);

    /// <summary>Lets the device reach more memory.</summary>
    /// <param name="path">A file that QEMU may open.</param>
    /// <param name="address">Where the device sees its first byte.</param>
    /// <param name="length">Bytes.</param>
    public void AddMemory(string path, ulong address, ulong length)
    {
        string id = string.Create(CultureInfo.InvariantCulture, $"added{_added++}");
        Qmp.Execute("object-add", new JsonObject
        {
            ["qom-type"] = "memory-backend-file",
            ["id"] = id,
            ["size"] = length,
            ["mem-path"] = path,
            ["share"] = true,
        });
        Qmp.Execute("device_add", new JsonObject { ["driver"] = "pc-dimm", ["id"] = $"dimm-{id}", ["memdev"] = id, ["addr"] = address });
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The wire last: -netdev stream of QEMU 7.2 to 11.1 may crash when its peer goes first.
        _process.Dispose();
        _wire?.Dispose();
        Qmp?.Dispose();
        _ordinaryMemory.Dispose();
        _firmware.Dispose();
    }

    private IEnumerable<string> Arguments(
        string device, string macAddress, MemorySegment? memory, IReadOnlyList<string>? backend)
    {
        string Server(string suffix) => $"unix:{_name}-{suffix},abstract=on,server=on,wait=off";
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
            "-object", Shared("ram", (ulong)OrdinaryMemory, _ordinaryMemory.Path),
            .. memory is null ? RoomFor(MostAddedMemory) : DeviceMemory(memory),
            .. backend ?? ["-netdev", $"stream,id=wire,server=on,addr.type=unix,addr.path={_name}-wire,addr.abstract=on"],
            "-device", "pcie-root-port,id=port0,bus=pcie.0,addr=1,chassis=1,slot=1",
            "-device", $"{device},id={NicId},netdev=wire,bus=port0,romfile=,mac={macAddress}",
        ];
    }

    private static unsafe IEnumerable<string> DeviceMemory(MemorySegment memory)
    {
        ulong address = (ulong)memory.Address;
        return
        [
            .. RoomFor(address + memory.Length - DeviceMemoryStart),
            "-object", Shared("dataplane", memory.Length, MemoryFile.PathOf(memory.File)),
            "-device", $"pc-dimm,memdev=dataplane,addr=0x{address:x}",
        ];
    }

    private static IEnumerable<string> RoomFor(ulong length) =>
    [
        "-m",
        string.Create(
            CultureInfo.InvariantCulture, $"size={OrdinaryMemory}B,slots={MemorySlots},maxmem={length + (ulong)OrdinaryMemory}B"),
    ];

    private static string Shared(string id, ulong size, string path) =>
        string.Create(CultureInfo.InvariantCulture, $"memory-backend-file,id={id},size={size},mem-path={path},share=on");
}
