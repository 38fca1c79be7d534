using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>The file descriptors that came with a message. Whoever takes one owns it; the others are closed here.</summary>
/// <param name="capacity">How many a message may have.</param>
/// <param name="takesSockets">Whether sockets may be among them, as an AF_XDP device plugin gets them.</param>
internal sealed class ReceivedDescriptors(int capacity, bool takesSockets = false) : IDisposable
{
    /// <summary>SCM_MAX_FD of the kernel (include/net/scm.h): what one message can carry.</summary>
    public const int MaxCapacity = 253;

    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[Math.Min(capacity, MaxCapacity)];

    /// <summary>How many may be here.</summary>
    public int Capacity => _handles.Length;

    /// <summary>How many are here, also those that were taken.</summary>
    public int Count { get; private set; }

    /// <summary>Whether one of them was a socket where none may be; it is closed already.</summary>
    public bool HadSocket { get; private set; }

    /// <summary>Hands a descriptor over.</summary>
    /// <param name="index">In the order in which the peer sent them.</param>
    /// <exception cref="PeerViolationException">The peer sent fewer.</exception>
    public SafeFileHandle Take(int index)
    {
        if ((uint)index >= (uint)Count || _handles[index] is not { } handle)
            throw new PeerViolationException($"sent {Count} file descriptors where there must be {index + 1} or more");
        _handles[index] = null;
        return handle;
    }

    /// <summary>Closes what nobody took; messages may be received again.</summary>
    public void Clear()
    {
        for (int i = 0; i < Count; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }

        Count = 0;
        HadSocket = false;
    }

    /// <summary>Takes care of a descriptor; one too many is closed at once.</summary>
    public bool TryAdd(int descriptor)
    {
        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        if (!takesSockets && Libc.TryGetStatus(handle, out FileStatus status) && status.IsSocket)
        {
            HadSocket = true;
            CloseSocket(handle);
            return true;
        }

        if (Count == Capacity)
        {
            handle.Dispose();
            return false;
        }

        _handles[Count++] = handle;
        return true;
    }

    public void Dispose() => Clear();

    /// <summary>
    /// With SO_LINGER whoever closes a socket last waits until the other end has all that was sent (socket(7)): a peer could
    /// have us wait for as long as it likes. So the connection is broken off first (connect(2), AF_UNSPEC).
    /// </summary>
    private static unsafe void CloseSocket(SafeFileHandle socket)
    {
        ushort family = SocketNumbers.AF_UNSPEC;
        _ = Libc.Connect(socket, &family, sizeof(ushort));
        // struct linger: on, and 0 seconds.
        int* linger = stackalloc int[2] { 1, 0 };
        _ = Libc.SetSockOpt(socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_LINGER, linger, 2 * sizeof(int));
        socket.Dispose();
    }
}
