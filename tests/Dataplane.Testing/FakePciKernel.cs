using Dataplane.Linux;

namespace Dataplane.Testing;

/// <summary>
/// A <see cref="FakeMachine"/> whose PCI core answers when somebody writes to sysfs, as the kernel's does
/// (drivers/pci/pci-driver.c, drivers/base/bus.c), and remembers what was written.
/// </summary>
internal sealed class FakePciKernel(FakeMachine machine) : HostFiles(machine.Root)
{
    private const string Bus = "/sys/bus/pci";
    private const string NoDriverOverride = "(null)";

    private readonly Dictionary<string, string[]> _knownIds = new(StringComparer.Ordinal);

    /// <summary>What was written, as <c>path below /sys/bus/pci = text</c>.</summary>
    public List<string> Writes { get; } = [];

    /// <summary>Drivers whose probe fails, with the error number.</summary>
    public Dictionary<string, int> ProbeErrors { get; } = new(StringComparer.Ordinal);

    /// <summary>Drivers that do not let devices go.</summary>
    public HashSet<string> Clinging { get; } = new(StringComparer.Ordinal);

    /// <summary>What everything written is answered with instead; 0 for nothing of the kind.</summary>
    public int WriteError { get; set; }

    /// <summary>Loads a driver that knows some ids (<c>8086:10fb</c>), or none by itself.</summary>
    public FakePciKernel Load(string driver, params string[] ids)
    {
        machine[$"{Bus}/drivers/{driver}/bind"] = "";
        _knownIds[driver] = ids;
        return this;
    }

    public string? DriverOf(string address) => ReadLinkName($"{Bus}/devices/{address}/driver");

    public string? OverrideOf(string address) => ReadText($"{Bus}/devices/{address}/driver_override");

    public override int Write(string path, string text)
    {
        Writes.Add($"{path[(Bus.Length + 1)..]} = {text.TrimEnd('\n')}");
        return WriteError != 0 ? WriteError : path[(Bus.Length + 1)..].Split('/') switch
        {
            ["devices", string address, "driver_override"] => SetOverride(address, text.TrimEnd('\n')),
            ["drivers", string driver, "unbind"] => Unbind(driver, text),
            ["drivers", string driver, "bind"] => Bind(driver, text),
            ["drivers_probe"] => Probe(text),
            _ => Errno.ENOENT,
        };
    }

    private int SetOverride(string address, string driver)
    {
        machine[$"{Bus}/devices/{address}/driver_override"] = driver.Length == 0 ? NoDriverOverride : driver;
        return 0;
    }

    private int Unbind(string driver, string address)
    {
        if (DriverOf(address) != driver)
            return Errno.ENODEV;
        if (!Clinging.Contains(driver))
            machine.Remove($"{Bus}/devices/{address}/driver");
        return 0;
    }

    private int Bind(string driver, string address)
    {
        if (!Matches(driver, address))
            return Errno.ENODEV;
        if (DriverOf(address) is not null)
            return Errno.EBUSY;
        if (ProbeErrors.TryGetValue(driver, out int error))
            return error;
        machine.Link($"{Bus}/devices/{address}/driver", $"../../drivers/{driver}");
        return 0;
    }

    private int Probe(string address)
    {
        if (DriverOf(address) is null && _knownIds.Keys.FirstOrDefault(driver => Matches(driver, address)) is { } driver)
            _ = Bind(driver, address);
        return 0;
    }

    private bool Matches(string driver, string address)
    {
        string id = $"{ReadText($"{Bus}/devices/{address}/vendor")?[2..]}:{ReadText($"{Bus}/devices/{address}/device")?[2..]}";
        return _knownIds.TryGetValue(driver, out string[]? ids)
            && (OverrideOf(address) is { } wanted and not NoDriverOverride ? wanted == driver : ids.Contains(id));
    }
}
