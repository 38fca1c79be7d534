using System.Diagnostics;
using Dataplane.Memory;
using Dataplane.Testing;

namespace Dataplane.Core.Tests.Memory;

/// <summary>A hugetlbfs of its own, on which no other test's files are.</summary>
internal sealed class HugetlbfsMountPoint : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("dataplane-huge-");

    public HugetlbfsMountPoint(ulong size = 64 << 20) =>
        Shell.Run("mount", "-t", "hugetlbfs", "-o", $"pagesize=2M,size={size}", "nodev", Path);

    public string Path => _directory.FullName;

    public string[] Files => [.. Directory.EnumerateFiles(Path).Select(f => System.IO.Path.GetFileName(f)!).Order(StringComparer.Ordinal)];

    public ulong BytesLeft => new HugetlbMount(Path, HugepageFixture.PageSize).BytesLeft()!.Value;

    /// <summary>Makes a file with one page in it, as a process leaves it that was killed.</summary>
    public void LeaveFile(string name) => Shell.Run("fallocate", "-l", "2M", System.IO.Path.Join(Path, name));

    /// <summary>Starts a process that holds a lock on a file, as a live one does.</summary>
    public Process LockFile(string name)
    {
        LeaveFile(name);
        string script = $"exec 9<'{System.IO.Path.Join(Path, name)}'; flock -s 9; echo locked; exec sleep 600";
        var holder = Process.Start(new ProcessStartInfo("sh", ["-c", script])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        Assert.Equal("locked", holder.StandardOutput.ReadLine());
        return holder;
    }

    public void Dispose()
    {
        // Lazily: tests of other projects that run at the same time find the mount, too, and may have a file open there.
        Shell.Run("umount", "--lazy", Path);
        _directory.Delete();
    }
}
