using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Linux;

/// <summary>
/// Mapping, placing and populating memory: mmap(2), madvise(2), mbind(2), memfd_create(2), flock(2) and their company.
/// The numbers are those of asm-generic/mman-common.h, asm-generic/mman.h, linux/memfd.h, linux/mempolicy.h,
/// linux/falloc.h and linux/fcntl.h, which x86-64 and arm64 share; system call numbers differ and are chosen at run time.
/// </summary>
[KernelConstants("unistd.h", "sys/mman.h", "sys/file.h", "linux/mempolicy.h")]
internal static unsafe partial class Libc
{
    public const int PROT_NONE = 0;
    public const int PROT_READ = 1;
    public const int PROT_WRITE = 2;

    public const int MAP_SHARED = 0x01;
    public const int MAP_PRIVATE = 0x02;
    public const int MAP_FIXED = 0x10;
    public const int MAP_ANONYMOUS = 0x20;
    public const int MAP_NORESERVE = 0x4000;
    public const int MAP_POPULATE = 0x8000;
    public const int MAP_FIXED_NOREPLACE = 0x100000;

    public const int MADV_HUGEPAGE = 14;
    public const int MADV_POPULATE_WRITE = 23;

    public const uint MFD_CLOEXEC = 0x1;
    public const uint MFD_ALLOW_SEALING = 0x2;
    public const uint MFD_HUGETLB = 0x4;

    [KernelConstant("linux/memfd.h", Recent = true)]
    public const uint MFD_NOEXEC_SEAL = 0x8;

    /// <summary>The page size's logarithm stands in the flags from this bit on.</summary>
    [KernelConstant("linux/memfd.h")]
    public const int MFD_HUGE_SHIFT = 26;

    public const int F_ADD_SEALS = 1033;
    public const int F_GET_SEALS = 1034;
    public const int F_SEAL_SHRINK = 0x2;

    public const int LOCK_SH = 1;
    public const int LOCK_EX = 2;
    public const int LOCK_NB = 4;

    public const int FALLOC_FL_KEEP_SIZE = 0x1;
    public const int FALLOC_FL_PUNCH_HOLE = 0x2;

    public const int MPOL_PREFERRED = 1;
    public const int MPOL_BIND = 2;

    public const int R_OK = 4;
    public const int W_OK = 2;
    public const int X_OK = 1;

    [KernelConstant("asm/unistd.h", Name = "__NR_getcpu", On = KernelArchitectures.X64)]
    private const int GetCpuOnX64 = 309;

    [KernelConstant("asm/unistd.h", Name = "__NR_getcpu", On = KernelArchitectures.Arm64)]
    private const int GetCpuOnArm64 = 168;

    [KernelConstant("asm/unistd.h", Name = "__NR_mbind", On = KernelArchitectures.X64)]
    private const int MbindOnX64 = 237;

    [KernelConstant("asm/unistd.h", Name = "__NR_mbind", On = KernelArchitectures.Arm64)]
    private const int MbindOnArm64 = 235;

    private static bool IsArm64 => RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    /// <summary>What mmap returns when it fails.</summary>
    public static void* MapFailed => (void*)-1;

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Mmap(void* address, nuint length, int protection, int flags, SafeFileHandle fd, long offset);

    [LibraryImport(Library, EntryPoint = "mmap", SetLastError = true)]
    private static partial void* MmapWithoutFile(
        void* address, nuint length, int protection, int flags, int fd, long offset);

    /// <summary>mmap of memory that no file stands behind; MAP_ANONYMOUS is added to the flags.</summary>
    public static void* MmapAnonymous(void* address, nuint length, int protection, int flags) =>
        MmapWithoutFile(address, length, protection, flags | MAP_ANONYMOUS, fd: -1, offset: 0);

    [LibraryImport(Library, EntryPoint = "munmap", SetLastError = true)]
    public static partial int Munmap(void* address, nuint length);

    [LibraryImport(Library, EntryPoint = "madvise", SetLastError = true)]
    public static partial int Madvise(void* address, nuint length, int advice);

    [LibraryImport(Library, EntryPoint = "mlock", SetLastError = true)]
    public static partial int Mlock(void* address, nuint length);

    [LibraryImport(Library, EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileHandle MemfdCreate(string name, uint flags);

    [LibraryImport(Library, EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Ftruncate(SafeFileHandle fd, long length);

    [LibraryImport(Library, EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(SafeFileHandle fd, int mode, long offset, long length);

    [LibraryImport(Library, EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(SafeFileHandle fd, int command, int argument);

    [LibraryImport(Library, EntryPoint = "flock", SetLastError = true)]
    public static partial int Flock(SafeFileHandle fd, int operation);

    [LibraryImport(Library, EntryPoint = "access", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Access(string path, int mode);

    [LibraryImport(Library, EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport(Library, EntryPoint = "statfs", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int GetStatfs(string path, Statfs* status);

    [LibraryImport(Library, EntryPoint = "fstatfs", SetLastError = true)]
    public static partial int GetStatfs(SafeFileHandle fd, Statfs* status);

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint GetCpuSyscall(nint number, uint* cpu, uint* node, void* unused);

    /// <summary>The NUMA node that the calling thread runs on now, by getcpu(2); 0 if the kernel does not say.</summary>
    public static int CurrentNode()
    {
        uint node;
        return GetCpuSyscall(IsArm64 ? GetCpuOnArm64 : GetCpuOnX64, null, &node, null) == 0 ? (int)node : 0;
    }

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint MbindSyscall(
        nint number, void* address, nuint length, nint mode, nuint* nodeMask, nuint maxNode, nint flags);

    /// <summary>mbind(2), which the C library does not wrap.</summary>
    public static int Mbind(void* address, nuint length, int mode, nuint* nodeMask, nuint maxNode) =>
        (int)MbindSyscall(IsArm64 ? MbindOnArm64 : MbindOnX64, address, length, mode, nodeMask, maxNode, flags: 0);
}
