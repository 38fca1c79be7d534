using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>An eventfd(2): the kernel, a peer or a thread signals it, somebody waits for it. Any thread.</summary>
/// <remarks>
/// Whether it blocks is a flag of the file, so a peer that has a copy of the descriptor may change it at any moment. Reads
/// say each for itself that they do not wait; writes cannot, and are watched (<see cref="FullEventWatch"/>).
/// </remarks>
internal sealed unsafe class EventFd : IDisposable
{
    private readonly FullEventWatch? _watch;

    /// <param name="isShared">Whether a peer will get a copy.</param>
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public EventFd(bool isShared = false)
        : this(Make(), isShared)
    {
    }

    private EventFd(SafeFileHandle handle, bool isShared)
    {
        Handle = handle;
        _watch = isShared ? new FullEventWatch(this) : null;
    }

    /// <summary>The file; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Whether the peer held our threads up, and is signalled no more.</summary>
    public bool IsAbused => _watch is { HasBeenFull: true };

    /// <summary>Takes a descriptor that a peer sent, and makes it non-blocking, which the peer's own copy then is too.</summary>
    /// <param name="handle">Owned by the new object; still the caller's if there is none.</param>
    /// <returns>Null if it is no eventfd: a file would be readable for ever, a socket's reader could be made to wait.</returns>
    public static EventFd? TryWrap(SafeFileHandle handle)
    {
        string? target = new HostFiles().ReadLink($"/proc/self/fd/{handle.DangerousGetHandle()}");
        return target == "anon_inode:[eventfd]" && TryUnblock(handle) ? new EventFd(handle, isShared: true) : null;
    }

    /// <summary>Wakes whoever waits.</summary>
    public void Signal()
    {
        if (IsAbused)
            return;
        ulong one = 1;
        _ = Libc.Write(Handle, &one, sizeof(ulong));
    }

    /// <summary>Takes the signals that came; never waits for one.</summary>
    /// <returns>Whether there were any.</returns>
    public bool TryDrain()
    {
        ulong count;
        var piece = new IoVector { Base = &count, Length = sizeof(ulong) };
        nint length = Libc.Preadv2(Handle, &piece, 1, offset: -1, Libc.RWF_NOWAIT);
        // Kernels before 5.8 do not know this of eventfds; there it is the file's flag that counts.
        if (length < 0 && Errno.Last == Errno.EOPNOTSUPP)
            length = Libc.Read(Handle, &count, sizeof(ulong));
        return length == sizeof(ulong);
    }

    /// <summary>Lets the number of this descriptor stand for another eventfd, also for those who wait for it at their next wait.</summary>
    public void ReplaceBy(EventFd other) =>
        _ = Libc.Dup3((int)other.Handle.DangerousGetHandle(), (int)Handle.DangerousGetHandle(), Libc.O_CLOEXEC);

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch?.Dispose();
        Handle.Dispose();
    }

    /// <summary>Has reads and writes of all copies fail rather than wait, until somebody changes it.</summary>
    internal static bool TryUnblock(SafeFileHandle handle)
    {
        int flags = Libc.Fcntl(handle, Libc.F_GETFL, 0);
        return flags >= 0 && Libc.Fcntl(handle, Libc.F_SETFL, flags | Libc.O_NONBLOCK) == 0;
    }

    private static SafeFileHandle Make()
    {
        SafeFileHandle handle = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        return handle.IsInvalid
            ? throw new DataplaneException($"Cannot make an eventfd: {Errno.DescribeLast()}", "raise the limit with 'ulimit -n 4096'")
            : handle;
    }
}
