using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>A file whose pages become segments. Disposing closes it and removes what the mode says.</summary>
internal class SegmentFile(SafeFileHandle handle, string name) : IDisposable
{
    /// <summary>The file; peers get copies of it.</summary>
    public SafeFileHandle Handle { get; } = handle;

    /// <summary>Its path, or what it is called where it has none.</summary>
    public string Name { get; } = name;

    /// <summary>Whether pages of an earlier process are in it, which are not zero.</summary>
    public bool HasOldContent { get; protected set; }

    /// <summary>Bytes that segments have; the next one starts here.</summary>
    public long Used { get; set; }

    /// <summary>Makes the file long enough for one more segment.</summary>
    public void Extend(nuint length)
    {
        if (Libc.Ftruncate(Handle, Used + (long)length) < 0)
        {
            throw new DataplaneException(
                $"cannot make {Name} {ByteSize.Format((ulong)Used + length)} long: {Errno.DescribeLast()}");
        }
    }

    /// <summary>Gives back the pages of a segment that could not be made; the file keeps its length.</summary>
    public void Withdraw(nuint length) => _ = Libc.Fallocate(
        Handle, Libc.FALLOC_FL_PUNCH_HOLE | Libc.FALLOC_FL_KEEP_SIZE, Used, (long)length);

    /// <summary>Called once the first segment is mapped and populated.</summary>
    public virtual void Mapped()
    {
    }

    /// <inheritdoc/>
    public virtual void Dispose() => Handle.Dispose();
}
