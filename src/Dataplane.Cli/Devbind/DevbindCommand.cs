using Dataplane.Eal;
using Dataplane.Linux;
using Dataplane.Vfio.Pci;

namespace Dataplane.Cli.Devbind;

/// <summary><c>dataplane devbind</c>: shows which driver has which device, and changes it.</summary>
internal sealed class DevbindCommand(TextWriter output, TextWriter errors, HostFiles files)
{
    private const string NoDriver = "none";

    private readonly PciInventory _inventory = new(files);
    private readonly PciBinding _binding = new(files);
    private readonly ErrorReport _report = new(errors);

    /// <summary>Runs it.</summary>
    /// <returns>The exit code.</returns>
    /// <exception cref="DataplaneException">The arguments make no sense; nothing was changed.</exception>
    public int Run(DevbindOptions options)
    {
        CheckArguments(options);
        IReadOnlyList<PciDevice> devices = new DeviceArguments(_inventory).Find(options.Devices);
        bool changes = options.Bind is not null || options.Unbind || options.Restore;
        if (changes)
            Change(devices, options);
        if (options.Status)
            ShowStatus(options, changes ? [] : devices);
        return _report.IsEmpty ? 0 : 1;
    }

    private void CheckArguments(DevbindOptions options)
    {
        int actions = (options.Bind is null ? 0 : 1) + (options.Unbind ? 1 : 0) + (options.Restore ? 1 : 0);
        if (actions > 1)
            throw new CommandLineException("--bind, --unbind and --restore exclude each other", "give one of them");
        if (actions == 0 && !options.Status)
            throw new CommandLineException("devbind is not told what to do", "give --status, --bind DRIVER, --unbind or --restore");
        if (options.Json && !options.Status)
            throw new CommandLineException("--json goes with --status", "leave it out, or add --status");
        if (options.Bind is { } driver && new DeviceArguments(_inventory).IsDevice(driver))
            throw new CommandLineException($"'{driver}' behind --bind is a device, not a driver", $"write --bind {PassThroughDrivers.VfioPci} {driver}");
        if (actions == 1 && !options.Devices.Any())
            throw new CommandLineException("No device is given", "write the addresses of devices or the names of their interfaces; --status lists them");
    }

    private void Change(IReadOnlyList<PciDevice> devices, DevbindOptions options)
    {
        string? driver = options.Bind == NoDriver ? null : options.Bind;
        var guard = new BindingGuard(files, options.Force);
        if (driver is not null)
            guard.CheckDriver(driver);
        foreach (PciDevice device in devices)
            _report.Try(() => Check(guard, device, driver, options.Restore));
        if (!_report.IsEmpty)
        {
            errors.WriteLine("Nothing was changed.");
            return;
        }

        foreach (PciDevice device in devices)
            _report.Try(() => Change(device, driver, options.Restore));
        if (driver is null)
            return;
        foreach (string notice in devices.Select(device => _inventory.Read(device.Address)).OfType<PciDevice>().Select(guard.NoticeAfterBind).OfType<string>())
            errors.WriteLine($"Notice: {notice}");
    }

    private static void Check(BindingGuard guard, PciDevice device, string? driver, bool restore)
    {
        if (restore)
            guard.CheckRestore(device);
        else if (driver is null)
            guard.CheckUnbind(device);
        else
            guard.CheckBind(device, driver);
    }

    private void Change(PciDevice device, string? driver, bool restore)
    {
        if (device.IsBoundToVfio && device.Driver != driver)
        {
            foreach (VfioHolder holder in VfioHolder.Find(files, device))
                errors.WriteLine($"Notice: waiting for {holder} to let {device.Address} go");
        }

        BindingChange change = restore ? _binding.Restore(device.Address)
            : driver is null ? _binding.Unbind(device.Address)
            : _binding.Bind(device.Address, driver);
        output.WriteLine(Describe(change));
    }

    private string Describe(BindingChange change)
    {
        string was = change.Before is null ? "it had no driver" : $"it was with {change.Before}";
        if (change.After is null)
            return change.Before is null ? $"{change.Address} has no driver, as before" : $"{change.Address} has no driver now; {was}";
        string node = PassThroughDrivers.IsVfio(change.After) && _inventory.Read(change.Address)?.IommuGroup is { } group
            ? $"; programs open {NodeOf(group)}"
            : "";
        return change.Before == change.After
            ? $"{change.Address} is bound to {change.After} already{node}"
            : $"{change.Address} is bound to {change.After} now; {was}{node}";
    }

    private string NodeOf(int group)
    {
        string withoutIommu = $"/dev/vfio/noiommu-{group}";
        return files.Exists(withoutIommu) ? withoutIommu : $"/dev/vfio/{group}";
    }

    private void ShowStatus(DevbindOptions options, IReadOnlyList<PciDevice> only)
    {
        IReadOnlyList<DeviceStatus> devices = DeviceStatus.Gather(files, only.Count > 0 ? only : _inventory.NetworkControllers());
        if (options.Json)
            StatusJson.Write(devices, output);
        else
            StatusTable.Write(devices, output);
    }
}
