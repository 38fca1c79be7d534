using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>A file in memory that QEMU opens by a path, and that is gone with this process however it ends.</summary>
internal sealed class MemoryFile : IDisposable
{
    private readonly SafeFileHandle _handle;

    /// <summary>Makes a file of zeros.</summary>
    public MemoryFile(string name, long length)
    {
        _handle = Libc.MemfdCreate(name, Libc.MFD_CLOEXEC);
        if (_handle.IsInvalid || Libc.Ftruncate(_handle, length) != 0)
            throw new InvalidOperationException($"Cannot make a memfd of {length} bytes: {Errno.DescribeLast()}");
        Length = length;
    }

    /// <summary>Bytes.</summary>
    public long Length { get; }

    /// <summary>By which other processes of the same user open it.</summary>
    public string Path => PathOf(_handle);

    /// <summary>By which other processes of the same user open a file of ours.</summary>
    public static string PathOf(SafeFileHandle handle) =>
        $"/proc/{Environment.ProcessId}/fd/{handle.DangerousGetHandle()}";

    /// <summary>Writes at an offset.</summary>
    public void Write(ReadOnlySpan<byte> bytes, long offset) => RandomAccess.Write(_handle, bytes, offset);

    /// <summary>Where the first byte is that is not zero; null if there is none.</summary>
    public long? FindContent()
    {
        byte[] block = new byte[1 << 20];
        for (long offset = 0; offset < Length; offset += block.Length)
        {
            int read = RandomAccess.Read(_handle, block, offset);
            int found = block.AsSpan(0, read).IndexOfAnyExcept((byte)0);
            if (found >= 0)
                return offset + found;
        }

        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
