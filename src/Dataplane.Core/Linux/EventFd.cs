using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>An eventfd(2): the kernel, a peer or a thread signals it, somebody waits for it. Any thread.</summary>
internal sealed unsafe class EventFd : IDisposable
{
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public EventFd()
    {
        Handle = Libc.EventFd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
        if (Handle.IsInvalid)
            throw new DataplaneException($"Cannot make an eventfd: {Errno.DescribeLast()}", "raise the limit with 'ulimit -n 4096'");
    }

    /// <summary>The file; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

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

    /// <inheritdoc/>
    public void Dispose() => Handle.Dispose();
}
