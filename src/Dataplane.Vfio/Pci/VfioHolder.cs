using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Vfio.Pci;

/// <summary>A process that has a VFIO device open.</summary>
/// <param name="ProcessId">Its pid, as our pid namespace has it.</param>
/// <param name="Name">Its command name.</param>
internal sealed record VfioHolder(int ProcessId, string Name)
{
    /// <summary>As a sentence names it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"process {ProcessId} ({Name})");

    /// <summary>
    /// The processes that have the device's group (or, with iommufd, the device itself) open, as far as we may look into them.
    /// </summary>
    public static IReadOnlyList<VfioHolder> Find(HostFiles files, PciDevice device)
    {
        // A container has its nodes elsewhere, and the device plugin calls noiommu-7 just 7: only the ends of paths are sure.
        string[] nodes =
        [
            .. files.ListNames($"{PciInventory.DirectoryOf(device.Address)}/vfio-dev").Select(name => $"/vfio/devices/{name}"),
            .. device.IommuGroup is { } group ? [$"/vfio/{group}", $"/vfio/noiommu-{group}"] : Array.Empty<string>(),
        ];
        return
        [
            .. from name in files.ListNames("/proc")
               let pid = int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0
               where pid > 0 && files.ListNames($"/proc/{pid}/fd").Any(fd => IsOneOf(files.ReadLink($"/proc/{pid}/fd/{fd}"), nodes))
               orderby pid
               select new VfioHolder(pid, files.ReadText($"/proc/{pid}/comm") ?? "?"),
        ];
    }

    private static bool IsOneOf(string? path, string[] nodes) =>
        path is not null && Array.Exists(nodes, node => path.EndsWith(node, StringComparison.Ordinal));
}
