using System.Diagnostics;
using Dataplane.Linux;

namespace Dataplane.Vfio.Pci;

/// <summary>What became of a device.</summary>
/// <param name="Address">The device.</param>
/// <param name="Before">The driver that it had; null for none.</param>
/// <param name="After">The driver that it has now.</param>
internal sealed record BindingChange(string Address, string? Before, string? After);

/// <summary>
/// Gives PCI functions from driver to driver (Documentation/ABI/testing/sysfs-bus-pci of Linux) and sees to it that they
/// arrive. It asks no questions: <see cref="BindingGuard"/> does, before.
/// </summary>
/// <param name="files">Where /sys is.</param>
/// <param name="patience">How long a driver may take to come or go; the kernel does it while it is written to, as a rule.</param>
internal sealed class PciBinding(HostFiles files, TimeSpan patience)
{
    private const string Bus = "/sys/bus/pci";
    private const int PollMilliseconds = 20;

    public PciBinding(HostFiles files)
        : this(files, TimeSpan.FromSeconds(2))
    {
    }

    /// <summary>Gives a device to a driver.</summary>
    /// <exception cref="DataplaneException">The kernel refused; the device is with its old driver again, if that took it.</exception>
    public BindingChange Bind(string address, string driver)
    {
        string? before = DriverOf(address);
        if (before == driver)
            return new BindingChange(address, before, before);

        // First of all, so that no other driver takes the device when it is free.
        SetOverride(address, PassThroughDrivers.NeedsOverride(driver) ? driver : null);
        try
        {
            Release(address, before);
        }
        catch
        {
            SetOverride(address, null);
            throw;
        }

        int error = files.Write($"{Bus}/drivers/{driver}/bind", address);
        if (error == 0 && WaitUntil(() => DriverOf(address) == driver))
            return new BindingChange(address, before, driver);

        SetOverride(address, null);
        if (before is not null)
            Probe(address);
        string reason = error == 0 ? "the driver did not take it" : Errno.Describe(error);
        string where = DriverOf(address) is { } now ? $"it is with {now}" : "it is without a driver now";
        throw new DataplaneException($"Cannot bind {address} to {driver} ({reason}; {where})", Log(address));
    }

    /// <summary>Takes a device from its driver, and forgets which driver it may only have.</summary>
    /// <exception cref="DataplaneException">The kernel refused.</exception>
    public BindingChange Unbind(string address)
    {
        string? before = DriverOf(address);
        SetOverride(address, null);
        Release(address, before);
        return new BindingChange(address, before, null);
    }

    /// <summary>Gives a device to whichever kernel driver knows it.</summary>
    /// <exception cref="DataplaneException">The kernel refused, or no driver that is loaded knows it.</exception>
    public BindingChange Restore(string address)
    {
        string? before = DriverOf(address);
        SetOverride(address, null);
        if (before is not null && !PassThroughDrivers.NeedsOverride(before))
            return new BindingChange(address, before, before);

        Release(address, before);
        if (!Probe(address))
            throw new DataplaneException($"No kernel driver that is loaded takes {address}, which is without a driver now", RemedyForNone(address));
        string? after = DriverOf(address);
        if (after is not null && PassThroughDrivers.NeedsOverride(after))
            throw TakenBack(address, after);
        return new BindingChange(address, before, after);
    }

    private string? DriverOf(string address) => files.ReadLinkName($"{PciInventory.DirectoryOf(address)}/driver");

    private void SetOverride(string address, string? driver)
    {
        // An empty line takes the name away.
        int error = files.Write($"{PciInventory.DirectoryOf(address)}/driver_override", $"{driver}\n");
        if (error != 0)
            throw Refused($"Cannot set the driver_override of {address}", error);
    }

    private void Release(string address, string? driver)
    {
        if (driver is null)
            return;
        // Of a VFIO device that a program has open, this comes back when the program has let it go.
        int error = files.Write($"{Bus}/drivers/{driver}/unbind", address);
        if (error != 0)
            throw Refused($"Cannot take {address} from {driver}", error);
        if (!WaitUntil(() => DriverOf(address) is null))
            throw new DataplaneException($"Cannot take {address} from {driver}: it still has the device", Log(address));
    }

    private bool Probe(string address) =>
        files.Write($"{Bus}/drivers_probe", address) == 0 && WaitUntil(() => DriverOf(address) is not null);

    /// <summary>Drivers for programs take devices by themselves whose ids they were told (new_id, vfio-pci.ids=).</summary>
    private DataplaneException TakenBack(string address, string driver)
    {
        string ids = new PciInventory(files).Read(address) is { } device ? $"{device.Id}".Replace(':', ' ') : "VENDOR DEVICE";
        return new DataplaneException(
            $"{address} is with {driver} again, which was told to take all devices with these ids",
            $"run 'echo {ids} > {Bus}/drivers/{driver}/remove_id' and try again");
    }

    private string RemedyForNone(string address)
    {
        IReadOnlyList<string> modules = new PciInventory(files).Read(address) is { } device ? new KernelModules(files).For(device) : [];
        return modules.Count == 0
            ? "load the module that drives it"
            : $"run 'modprobe {string.Join("' or 'modprobe ", modules)}'";
    }

    private bool WaitUntil(Func<bool> condition)
    {
        long start = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > patience)
                return false;
            Thread.Sleep(PollMilliseconds);
        }

        return true;
    }

    private static DataplaneException Refused(string problem, int error) =>
        new($"{problem}: {Errno.Describe(error)}", "bind devices as root, on the host itself or in a container with a writable /sys");

    private static string Log(string address) => $"the kernel's log says why: 'dmesg | grep {address}'";
}
