using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <content>What VFIO's files need beyond the rest: reads and writes at an offset, and ioctls whose argument is a number.</content>
internal static unsafe partial class Libc
{
    [LibraryImport(Library, EntryPoint = "pread", SetLastError = true)]
    public static partial nint Pread(SafeFileHandle fd, void* buffer, nuint count, long offset);

    [LibraryImport(Library, EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Pwrite(SafeFileHandle fd, void* buffer, nuint count, long offset);

    /// <summary>ioctl with a number, not the address of one.</summary>
    public static int Ioctl(SafeFileHandle fd, nuint request, int argument) => Ioctl(fd, request, (void*)argument);
}
