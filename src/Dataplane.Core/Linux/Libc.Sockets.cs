using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>
/// Sockets, scattered reads and writes, waiting, and network namespaces: socket(2), unix(7), recvmsg(2), readv(2), poll(2),
/// eventfd(2), setns(2). The calls of the fast path take the number of the descriptor, which their caller keeps open.
/// </summary>
[KernelConstants("poll.h", "sched.h", "sys/eventfd.h", "sys/uio.h")]
internal static unsafe partial class Libc
{
    public const short POLLIN = 1;
    public const short POLLOUT = 4;
    public const short POLLERR = 8;
    public const short POLLHUP = 16;
    public const short POLLNVAL = 32;
    public const int EFD_CLOEXEC = 0x80000;
    public const int EFD_NONBLOCK = 0x800;
    public const int CLONE_NEWNET = 0x40000000;

    /// <summary>Never wait, whatever the file's flags say.</summary>
    public const int RWF_NOWAIT = 0x8;

    [LibraryImport(Library, EntryPoint = "socket", SetLastError = true)]
    public static partial SafeFileHandle Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "bind", SetLastError = true)]
    public static partial int Bind(SafeFileHandle fd, void* address, uint length);

    [LibraryImport(Library, EntryPoint = "connect", SetLastError = true)]
    public static partial int Connect(SafeFileHandle fd, void* address, uint length);

    [LibraryImport(Library, EntryPoint = "listen", SetLastError = true)]
    public static partial int Listen(SafeFileHandle fd, int backlog);

    [LibraryImport(Library, EntryPoint = "accept4", SetLastError = true)]
    public static partial SafeFileHandle Accept4(SafeFileHandle fd, void* address, uint* length, int flags);

    [LibraryImport(Library, EntryPoint = "shutdown", SetLastError = true)]
    public static partial int Shutdown(SafeFileHandle fd, int how);

    [LibraryImport(Library, EntryPoint = "setsockopt", SetLastError = true)]
    public static partial int SetSockOpt(SafeFileHandle fd, int level, int option, void* value, uint length);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSockOpt(SafeFileHandle fd, int level, int option, void* value, uint* length);

    [LibraryImport(Library, EntryPoint = "sendto", SetLastError = true)]
    public static partial nint SendTo(int fd, void* buffer, nuint length, int flags, void* address, uint addressLength);

    [LibraryImport(Library, EntryPoint = "recv", SetLastError = true)]
    public static partial nint Recv(int fd, void* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMsg(int fd, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint RecvMsg(int fd, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, void* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, void* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "readv", SetLastError = true)]
    public static partial nint Readv(int fd, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "preadv2", SetLastError = true)]
    public static partial nint Preadv2(SafeFileHandle fd, IoVector* vectors, int count, long offset, int flags);

    [LibraryImport(Library, EntryPoint = "writev", SetLastError = true)]
    public static partial nint Writev(int fd, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "poll", SetLastError = true)]
    public static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "eventfd", SetLastError = true)]
    public static partial SafeFileHandle EventFd(uint value, int flags);

    [LibraryImport(Library, EntryPoint = "setns", SetLastError = true)]
    public static partial int Setns(SafeFileHandle fd, int namespaceType);

    /// <summary>setsockopt of a number.</summary>
    public static int SetSockOpt(SafeFileHandle fd, int level, int option, int value) =>
        SetSockOpt(fd, level, option, &value, sizeof(int));
}

/// <summary>A piece of memory to read into or write from.</summary>
[KernelStruct("struct iovec", "sys/uio.h")]
internal unsafe struct IoVector
{
    [KernelField("iov_base")] public void* Base;
    [KernelField("iov_len")] public nuint Length;
}

/// <summary>What sendmsg and recvmsg work on.</summary>
[KernelStruct("struct msghdr", "sys/socket.h")]
internal unsafe struct MessageHeader
{
    [KernelField("msg_name")] public void* Name;
    [KernelField("msg_namelen")] public uint NameLength;
    [KernelField("msg_iov")] public IoVector* Vectors;
    [KernelField("msg_iovlen")] public nuint VectorCount;
    [KernelField("msg_control")] public void* Control;
    [KernelField("msg_controllen")] public nuint ControlLength;
    [KernelField("msg_flags")] public int Flags;
}

/// <summary>What poll waits for.</summary>
[KernelStruct("struct pollfd", "poll.h")]
internal struct PollDescriptor
{
    public int Fd;
    public short Events;
    [KernelField("revents")] public short Returned;
}
