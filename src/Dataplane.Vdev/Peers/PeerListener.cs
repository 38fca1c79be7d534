using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// A listening Unix socket. What a dead process left at its path is replaced, and nothing else is ever removed: neither a
/// socket that somebody listens on, nor a file of another kind, nor at the end what another process has put there.
/// </summary>
internal sealed unsafe class PeerListener : IDisposable
{
    /// <summary>Connections that wait to be accepted; more are told to try again.</summary>
    private const int Backlog = 16;

    /// <summary>How long another process may take to begin to listen in the same directory, in milliseconds.</summary>
    private const int LongestStart = 2000;

    private readonly string _device;
    private readonly PeerAddress _address;
    private readonly PeerSocketKind _kind;
    private readonly FileStatus _file;

    /// <summary>Listens.</summary>
    /// <param name="device">The device's name, for messages.</param>
    /// <param name="address">Where.</param>
    /// <param name="kind">As the protocol says.</param>
    /// <exception cref="DataplaneException">It is in use, or the directory does not allow it.</exception>
    public PeerListener(string device, PeerAddress address, PeerSocketKind kind)
    {
        _device = device;
        _address = address;
        _kind = kind;
        Handle = PeerSocket.Open(kind);
        try
        {
            // Of processes that start together one would take the socket of another, which is there but not heard yet, for a leftover.
            using SafeFileHandle? start = address.IsAbstract ? null : LockDirectory();
            Bind();
            if (!address.IsAbstract)
                _ = Libc.TryGetStatus(address.Name, out _file);
            if (Libc.Listen(Handle, Backlog) != 0)
                throw new DataplaneException($"{device} cannot listen on {address}: {Errno.DescribeLast()}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The socket, for a <see cref="PeerLoop"/> to watch; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Accepts a connection.</summary>
    /// <returns>Null if none waits.</returns>
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public PeerSocket? TryAccept()
    {
        SafeFileHandle socket = Libc.Accept4(
            Handle, null, null, SocketNumbers.SOCK_CLOEXEC | SocketNumbers.SOCK_NONBLOCK);
        if (!socket.IsInvalid)
            return new PeerSocket(socket);
        int errno = Errno.Last;
        socket.Dispose();
        // Others are errors of the connection, which is gone (accept(2)).
        return errno is Errno.EMFILE or Errno.ENFILE or Errno.ENOBUFS or Errno.ENOMEM
            ? throw new DataplaneException(
                $"{_device} cannot accept a connection on {_address}: {Errno.Describe(errno)}", "raise the limit with 'ulimit -n 4096'")
            : null;
    }

    /// <summary>Stops to listen and removes the socket's file if it is still this one.</summary>
    public void Dispose()
    {
        // While the socket is open, no other file can have the number of its file.
        bool isOurs = !Handle.IsClosed && _file.IsSocket
            && Libc.TryGetStatus(_address.Name, out FileStatus now) && now.IsSameFile(_file);
        if (isOurs)
            _ = Libc.Unlink(_address.Name);
        Handle.Dispose();
    }

    /// <summary>
    /// Keeps other processes of ours from beginning to listen in this directory (flock(2), which needs no file beside the
    /// socket) until the result is disposed. Where it cannot be had, because of rights or somebody who keeps it, it is done without.
    /// </summary>
    private SafeFileHandle LockDirectory()
    {
        string directory = Path.GetDirectoryName(Path.GetFullPath(_address.Name)) ?? "/";
        SafeFileHandle handle = Libc.Open(directory, Libc.O_RDONLY | Libc.O_CLOEXEC);
        long end = Environment.TickCount64 + LongestStart;
        while (!handle.IsInvalid && Libc.Flock(handle, Libc.LOCK_EX | Libc.LOCK_NB) != 0 && Environment.TickCount64 < end)
            Thread.Sleep(1);
        return handle;
    }

    private void Bind()
    {
        SockaddrUn name;
        uint length = _address.Write(&name);
        if (Libc.Bind(Handle, &name, length) == 0)
            return;
        if (Errno.Last == Errno.EADDRINUSE)
        {
            RemoveLeftover();
            if (Libc.Bind(Handle, &name, length) == 0)
                return;
        }

        throw Refused(Errno.Last);
    }

    /// <summary>Removes a socket that nobody listens on any more.</summary>
    private void RemoveLeftover()
    {
        if (!_address.IsAbstract && Libc.TryGetStatus(_address.Name, out FileStatus there) && !there.IsSocket)
        {
            throw new DataplaneException(
                $"{_device} cannot listen on {_address}: there is a file of that name which is no socket",
                "remove it, or give the port another path");
        }

        int errno = PeerSocket.Connect(_address, _kind, out PeerSocket? holder);
        using (holder)
        {
            // Whoever had it has just ended.
            if (errno == Errno.ENOENT)
                return;
            if (errno != Errno.ECONNREFUSED || _address.IsAbstract)
            {
                throw new DataplaneException(
                    $"{_device} cannot listen on {_address}: {holder?.Peer ?? "another process"} does already",
                    "end it, give the port another path, or let it connect instead of listen");
            }
        }

        _ = Libc.Unlink(_address.Name);
    }

    private DataplaneException Refused(int errno)
    {
        string problem = $"{_device} cannot listen on {_address}: ";
        if (_address.IsAbstract)
            return new DataplaneException(problem + Errno.Describe(errno));
        string? directory = Path.GetDirectoryName(Path.GetFullPath(_address.Name));
        return errno switch
        {
            Errno.ENOENT or Errno.ENOTDIR => new DataplaneException(
                $"{problem}there is no directory {directory}", $"make it with 'mkdir -p {directory}', or mount the volume that it is on"),
            Errno.EACCES or Errno.EPERM => new DataplaneException(
                $"{problem}user {Environment.UserName} may not write to {directory}",
                "run as another user (securityContext.runAsUser), or 'chmod' the directory"),
            Errno.EROFS => new DataplaneException(
                $"{problem}{directory} is read-only", "mount a volume that can be written, such as an emptyDir"),
            _ => new DataplaneException(problem + Errno.Describe(errno)),
        };
    }
}
