using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>An eventfd(2): the kernel, a peer or a thread signals it, somebody waits for it. Any thread.</summary>
internal sealed unsafe class EventFd : IDisposable
{
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public EventFd()
        : this(Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK))
    {
        if (Handle.IsInvalid)
            throw new DataplaneException($"Cannot make an eventfd: {Errno.DescribeLast()}", "raise the limit with 'ulimit -n 4096'");
    }

    private EventFd(SafeFileHandle handle) => Handle = handle;

    /// <summary>The file; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Takes a descriptor that a peer sent, and makes it non-blocking, which the peer's own copy then is too.</summary>
    /// <param name="handle">Owned by the new object; still the caller's if there is none.</param>
    /// <returns>Null if it is no eventfd: a file would be readable for ever, a socket's reader could be made to wait.</returns>
    public static EventFd? TryWrap(SafeFileHandle handle)
    {
        string? target = new HostFiles().ReadLink($"/proc/self/fd/{handle.DangerousGetHandle()}");
        if (target != "anon_inode:[eventfd]")
            return null;
        int flags = Libc.Fcntl(handle, Libc.F_GETFL, 0);
        return flags >= 0 && Libc.Fcntl(handle, Libc.F_SETFL, flags | Libc.O_NONBLOCK) == 0 ? new EventFd(handle) : null;
    }

    /// <summary>Wakes whoever waits.</summary>
    public void Signal()
    {
        ulong one = 1;
        _ = Libc.Write(Handle, &one, sizeof(ulong));
    }

    /// <summary>Takes the signals that came.</summary>
    /// <returns>Whether there were any.</returns>
    public bool TryDrain()
    {
        ulong count;
        return Libc.Read(Handle, &count, sizeof(ulong)) == sizeof(ulong);
    }

    /// <summary>Lets the number of this descriptor stand for another eventfd, also for those who wait for it at their next wait.</summary>
    public void ReplaceBy(EventFd other) =>
        _ = Libc.Dup3((int)other.Handle.DangerousGetHandle(), (int)Handle.DangerousGetHandle(), Libc.O_CLOEXEC);

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
