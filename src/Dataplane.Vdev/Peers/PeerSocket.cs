using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Peers;

/// <summary>How a protocol's messages are told apart.</summary>
internal enum PeerSocketKind
{
    /// <summary>A stream of bytes (vhost-user): one receive gives a part of a message, never of two with descriptors.</summary>
    Stream = SocketNumbers.SOCK_STREAM,

    /// <summary>Messages as they were sent (memif).</summary>
    Messages = SocketNumbers.SOCK_SEQPACKET,
}

/// <summary>
/// A connected Unix socket that carries messages with file descriptors. Nothing blocks: a peer that reads nothing is in
/// breach of its protocol. One thread at a time.
/// </summary>
internal sealed unsafe class PeerSocket : IDisposable
{
    /// <summary>
    /// Messages that are read, or connections accepted, in one go before others have their turn: a peer that is faster than we
    /// are would otherwise have the control thread for itself, and the port could not even be stopped.
    /// </summary>
    public const int MostPerTurn = 16;

    /// <summary>Control messages start at multiples of this (CMSG_ALIGN).</summary>
    private const int ControlAlignment = 8;

    /// <summary>Takes a connected socket over.</summary>
    /// <param name="handle">Non-blocking.</param>
    public PeerSocket(SafeFileHandle handle)
    {
        Handle = handle;
        Peer = PeerIdentity.Of(handle);
    }

    /// <summary>The socket, for a <see cref="PeerLoop"/> to watch; owned by this object.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>The process at the other end, for messages: "testpmd (pid 123)".</summary>
    public string Peer { get; }

    /// <summary>Connects to a listening peer.</summary>
    /// <param name="address">Where it listens.</param>
    /// <param name="kind">As the protocol says.</param>
    /// <param name="reason">Why there is no connection, as it reads after "cannot connect: "; for a notice.</param>
    /// <returns>Null if nobody listens there now.</returns>
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public static PeerSocket? TryConnect(PeerAddress address, PeerSocketKind kind, out string reason)
    {
        int errno = Connect(address, kind, out PeerSocket? socket);
        reason = errno switch
        {
            0 => "",
            Errno.ENOENT => $"{address} does not exist",
            Errno.ECONNREFUSED => $"nobody listens on {address}",
            Errno.EAGAIN => $"whoever listens on {address} accepts no connection",
            Errno.EPROTOTYPE => $"whoever listens on {address} speaks another protocol",
            _ => $"{address}: {Errno.Describe(errno)}",
        };
        return socket;
    }

    /// <summary>Connects to a listening peer.</summary>
    /// <returns>0, or the error number.</returns>
    public static int Connect(PeerAddress address, PeerSocketKind kind, out PeerSocket? connected)
    {
        SafeFileHandle socket = Open(kind);
        SockaddrUn destination;
        uint length = address.Write(&destination);
        int errno = Libc.Connect(socket, &destination, length) == 0 ? 0 : Errno.Last;
        connected = errno == 0 ? new PeerSocket(socket) : null;
        if (errno != 0)
            socket.Dispose();
        return errno;
    }

    /// <summary>A socket without a connection.</summary>
    /// <exception cref="DataplaneException">The process has no file descriptors left.</exception>
    public static SafeFileHandle Open(PeerSocketKind kind)
    {
        SafeFileHandle socket = Libc.Socket(
            SocketNumbers.AF_UNIX, (int)kind | SocketNumbers.SOCK_CLOEXEC | SocketNumbers.SOCK_NONBLOCK, 0);
        return socket.IsInvalid
            ? throw new DataplaneException($"Cannot make a Unix socket: {Errno.DescribeLast()}", "raise the limit with 'ulimit -n 4096'")
            : socket;
    }

    /// <summary>Sends a message as a whole.</summary>
    /// <param name="message">Its bytes; at least one.</param>
    /// <param name="descriptors">Copies of them go with it; they stay the caller's.</param>
    /// <returns>False if the peer has closed the connection.</returns>
    /// <exception cref="PeerViolationException">The peer does not read.</exception>
    public bool TrySend(ReadOnlySpan<byte> message, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, ReceivedDescriptors.MaxCapacity);
        int room = sizeof(ControlMessage) + (descriptors.Length * sizeof(int));
        byte* control = stackalloc byte[Align(room)];
        if (descriptors.Length != 0)
        {
            *(ControlMessage*)control = new ControlMessage
            {
                Length = (nuint)room,
                Level = SocketNumbers.SOL_SOCKET,
                Type = SocketNumbers.SCM_RIGHTS,
            };
            var numbers = (int*)(control + sizeof(ControlMessage));
            for (int i = 0; i < descriptors.Length; i++)
                numbers[i] = (int)descriptors[i].DangerousGetHandle();
        }

        fixed (byte* start = message)
        {
            var piece = new IoVector { Base = start, Length = (nuint)message.Length };
            var header = new MessageHeader
            {
                Vectors = &piece,
                VectorCount = 1,
                Control = descriptors.Length != 0 ? control : null,
                ControlLength = descriptors.Length != 0 ? (nuint)Align(room) : 0,
            };
            nint sent = Libc.SendMsg((int)Handle.DangerousGetHandle(), &header, SocketNumbers.MSG_NOSIGNAL);
            if (sent == message.Length)
                return true;
            if (sent >= 0 || Errno.Last is Errno.EAGAIN or Errno.ENOBUFS)
                throw new PeerViolationException("does not read what it is sent");
            return false;
        }
    }

    /// <summary>Receives what is there.</summary>
    /// <param name="buffer">Gets a message, or of a stream as much as fits.</param>
    /// <param name="descriptors">Gets the descriptors that came with it, behind those that are in it already.</param>
    /// <param name="length">Bytes received; 0 if the peer has closed the connection.</param>
    /// <returns>False if there is nothing now.</returns>
    /// <exception cref="PeerViolationException">The message was longer, or had more descriptors, or a socket; all of them are closed.</exception>
    public bool TryReceive(Span<byte> buffer, ReceivedDescriptors descriptors, out int length)
    {
        // Not rounded up: the kernel would put one descriptor more into the padding.
        int room = sizeof(ControlMessage) + ((descriptors.Capacity - descriptors.Count) * sizeof(int));
        byte* control = stackalloc byte[Align(room)];
        fixed (byte* start = buffer)
        {
            var piece = new IoVector { Base = start, Length = (nuint)buffer.Length };
            var header = new MessageHeader
            {
                Vectors = &piece,
                VectorCount = 1,
                Control = control,
                ControlLength = (nuint)room,
            };
            nint received = Libc.RecvMsg((int)Handle.DangerousGetHandle(), &header, SocketNumbers.MSG_CMSG_CLOEXEC);
            length = (int)Math.Max(received, 0);
            if (received < 0)
                return Errno.Last is not (Errno.EAGAIN or Errno.EINTR);
            bool complete = TakeDescriptors(control, (int)header.ControlLength, descriptors);
            bool hadSocket = descriptors.HadSocket;
            if (complete && !hadSocket && (header.Flags & (SocketNumbers.MSG_CTRUNC | SocketNumbers.MSG_TRUNC)) == 0)
                return true;
            descriptors.Clear();
            if (hadSocket)
                throw new PeerViolationException("sent a socket with a message");
            throw new PeerViolationException((header.Flags & SocketNumbers.MSG_TRUNC) != 0
                ? $"sent a message of more than {buffer.Length} bytes"
                : $"sent more than {descriptors.Capacity} file descriptors with a message, or more than this process may open");
        }
    }

    /// <summary>Ends the connection: the peer sees it closed at once, also where copies of the socket are open.</summary>
    public void Dispose()
    {
        if (!Handle.IsClosed)
            _ = Libc.Shutdown(Handle, SocketNumbers.SHUT_RDWR);
        Handle.Dispose();
    }

    private static bool TakeDescriptors(byte* control, int length, ReceivedDescriptors descriptors)
    {
        bool complete = true;
        for (int offset = 0; length - offset >= sizeof(ControlMessage);)
        {
            var message = (ControlMessage*)(control + offset);
            int end = (int)Math.Min(message->Length, (nuint)(length - offset));
            if (end < sizeof(ControlMessage))
                break;
            if (message->Level == SocketNumbers.SOL_SOCKET && message->Type == SocketNumbers.SCM_RIGHTS)
            {
                var numbers = new ReadOnlySpan<int>(message + 1, (end - sizeof(ControlMessage)) / sizeof(int));
                foreach (int number in numbers)
                    complete &= descriptors.TryAdd(number);
            }

            offset += Align(end);
        }

        return complete;
    }

    private static int Align(int length) => (length + ControlAlignment - 1) & -ControlAlignment;
}
