using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Peers;

/// <summary>A file in memory with a name that no other has, so that descriptors of it can be counted while other tests run.</summary>
internal sealed class SharedFile : IDisposable
{
    private readonly string _name = Guid.NewGuid().ToString("N");

    public SharedFile(long length, uint flags = 0)
    {
        Handle = Libc.MemfdCreate(_name, flags | Libc.MFD_CLOEXEC | Libc.MFD_ALLOW_SEALING);
        Assert.False(Handle.IsInvalid, Errno.DescribeLast());
        Resize(length);
    }

    public SafeFileHandle Handle { get; }

    /// <summary>Descriptors of the file that this process has.</summary>
    public int OpenCount => Directory.GetFiles("/proc/self/fd")
        .Count(file => new HostFiles().ReadLink(file)?.Contains(_name, StringComparison.Ordinal) == true);

    /// <summary>Mappings of the file that this process has.</summary>
    public int MappingCount => File.ReadLines("/proc/self/maps").Count(line => line.Contains(_name, StringComparison.Ordinal));

    public void Resize(long length) => Assert.Equal(0, Libc.Ftruncate(Handle, length));

    public void Dispose() => Handle.Dispose();
}
