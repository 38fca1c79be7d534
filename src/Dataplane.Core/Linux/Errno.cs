using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary>Error numbers of Linux (asm-generic/errno-base.h, errno.h) and how they read in a sentence.</summary>
[KernelConstants("errno.h")]
internal static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int ENXIO = 6;
    public const int EBADF = 9;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EFAULT = 14;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int ENODEV = 19;
    public const int ENOTDIR = 20;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int EPIPE = 32;
    public const int EMSGSIZE = 90;
    public const int EPROTOTYPE = 91;
    public const int EOPNOTSUPP = 95;
    public const int EAFNOSUPPORT = 97;
    public const int EADDRINUSE = 98;
    public const int ENETDOWN = 100;
    public const int ECONNRESET = 104;
    public const int ENOBUFS = 105;
    public const int ECONNREFUSED = 111;

    /// <summary>The calling thread's error number after a P/Invoke with SetLastError.</summary>
    public static int Last => Marshal.GetLastPInvokeError();

    /// <summary>The system's text of an error number, as strerror(3) has it.</summary>
    public static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    /// <summary>The system's text of the calling thread's last error.</summary>
    public static string DescribeLast() => Describe(Last);
}
