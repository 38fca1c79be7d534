using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Vfio.Vfio;

/// <summary>Finds who has a file open. Processes of other users, and those outside of a container, are not seen.</summary>
internal static class FileHolder
{
    /// <summary>As a sentence names it: <c>process 4711 (qemu-system-x86)</c>; null if nobody is seen.</summary>
    /// <param name="files">Where /proc is.</param>
    /// <param name="path">The file, as it was opened.</param>
    public static string? Find(HostFiles files, string path)
    {
        string? process = files.ListNames("/proc")
            .Where(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .FirstOrDefault(process => Holds(files, $"/proc/{process}/fd", path));
        return process is null ? null : $"process {process} ({files.ReadText($"/proc/{process}/comm")})";
    }

    private static bool Holds(HostFiles files, string descriptors, string path) =>
        files.ListNames(descriptors).Any(descriptor => files.ReadLink($"{descriptors}/{descriptor}") == path);
}
