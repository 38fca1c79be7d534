using Dataplane.Testing;

namespace Dataplane.Vdev.Tests.AfXdp;

/// <summary>A file system of type bpf of a test's own, in which programs and maps are pinned; gone with it.</summary>
internal sealed class TemporaryBpfFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TemporaryBpfFolder() => Shell.Run("mount", "-t", "bpf", "none", _folder.FullName);

    /// <summary>The path of something in it.</summary>
    public string this[string name] => Path.Combine(_folder.FullName, name);

    public void Dispose()
    {
        Shell.TryRun("umount", _folder.FullName);
        _folder.Dispose();
    }
}
