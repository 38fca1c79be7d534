using Dataplane.Cli.Hugepages;

namespace Dataplane.Cli.Tests;

/// <summary>Remembers what was mounted and unmounted.</summary>
internal sealed class FakeMounts : IMounts
{
    public List<string> Calls { get; } = [];

    /// <summary>Error numbers of directories that cannot be mounted or unmounted.</summary>
    public Dictionary<string, int> Errors { get; } = new(StringComparer.Ordinal);

    public int Mount(string directory, ulong pageSize)
    {
        Calls.Add($"mount {directory} {pageSize}");
        return Errors.GetValueOrDefault(directory);
    }

    public int Unmount(string directory)
    {
        Calls.Add($"unmount {directory}");
        return Errors.GetValueOrDefault(directory);
    }
}
