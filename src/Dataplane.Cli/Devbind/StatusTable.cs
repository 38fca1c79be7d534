using System.Globalization;
using Dataplane.Vfio.Pci;

namespace Dataplane.Cli.Devbind;

/// <summary>The devices as dpdk-devbind.py prints them: scripts look for its headings, <c>drv=</c> and <c>*Active*</c>.</summary>
internal static class StatusTable
{
    public static void Write(IReadOnlyList<DeviceStatus> devices, TextWriter output)
    {
        if (devices.Count == 0)
            WriteHeading("No 'Network' devices detected", output);

        foreach (IGrouping<Section, DeviceStatus> section in devices.GroupBy(SectionOf).OrderBy(group => group.Key))
        {
            WriteHeading(section.Key switch
            {
                Section.Program => "Network devices using DPDK-compatible driver",
                Section.Kernel => "Network devices using kernel driver",
                _ => "Other Network devices",
            }, output);
            foreach (DeviceStatus device in section)
                output.WriteLine(Line(device, section.Key));
        }
    }

    private static void WriteHeading(string text, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine(text);
        output.WriteLine(new string('=', text.Length));
    }

    private static string Line(DeviceStatus status, Section section)
    {
        string iface = section == Section.Kernel ? $"if={string.Join(',', status.Interfaces.Select(use => use.Name))} " : "";
        string driver = section == Section.None ? "" : $"drv={status.Device.Driver} ";
        string active = status.Interfaces.Any(use => use.HasRoutes || use.HasDefaultRoute) ? " *Active*" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{status.Device.Address} '{status.Model} {status.Device.Id.Device:x4}' {iface}{driver}unused={string.Join(',', status.OtherDrivers)}{active}");
    }

    private static Section SectionOf(DeviceStatus status) => status.Device.Driver switch
    {
        null => Section.None,
        { } driver when status.Device.IsBoundToVfio || PassThroughDrivers.OfDpdk.Contains(driver) => Section.Program,
        _ => Section.Kernel,
    };

    private enum Section
    {
        Program,
        Kernel,
        None,
    }
}
