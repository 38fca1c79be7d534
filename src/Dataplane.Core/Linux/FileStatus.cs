using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>What a file is: statx(2), whose struct, unlike that of stat(2), is the same on every architecture.</summary>
[KernelStruct("struct statx", "linux/stat.h")]
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    [FieldOffset(28), KernelField("stx_mode")] public ushort Mode;
    [FieldOffset(32), KernelField("stx_ino")] public ulong Inode;
    [FieldOffset(40), KernelField("stx_size")] public ulong Size;
    [FieldOffset(136), KernelField("stx_dev_major")] public uint DeviceMajor;
    [FieldOffset(140), KernelField("stx_dev_minor")] public uint DeviceMinor;

    public readonly bool IsSocket => (Mode & Libc.S_IFMT) == Libc.S_IFSOCK;

    public readonly bool IsRegular => (Mode & Libc.S_IFMT) == Libc.S_IFREG;

    /// <summary>Whether both are the same file, which is only certain while it cannot have been removed.</summary>
    public readonly bool IsSameFile(in FileStatus other) =>
        Inode == other.Inode && DeviceMajor == other.DeviceMajor && DeviceMinor == other.DeviceMinor;
}

/// <content>statx(2).</content>
internal static unsafe partial class Libc
{
    public const int AT_FDCWD = -100;
    public const int AT_SYMLINK_NOFOLLOW = 0x100;
    public const int AT_EMPTY_PATH = 0x1000;

    [KernelConstant("sys/stat.h")] public const int S_IFMT = 0xF000;
    [KernelConstant("sys/stat.h")] public const int S_IFSOCK = 0xC000;
    [KernelConstant("sys/stat.h")] public const int S_IFREG = 0x8000;

    [KernelConstant("linux/stat.h")] private const uint STATX_BASIC_STATS = 0x7FF;

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int directory, string path, int flags, uint mask, FileStatus* status);

    [LibraryImport(Library, EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, FileStatus* status);

    /// <summary>What is at a path, a symbolic link itself included.</summary>
    public static bool TryGetStatus(string path, out FileStatus status)
    {
        fixed (FileStatus* result = &status)
            return Statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, result) == 0;
    }

    /// <summary>What a descriptor refers to.</summary>
    public static bool TryGetStatus(SafeFileHandle file, out FileStatus status)
    {
        fixed (FileStatus* result = &status)
            return Statx(file, "", AT_EMPTY_PATH, STATX_BASIC_STATS, result) == 0;
    }
}
