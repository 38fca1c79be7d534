using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary><c>struct statfs</c> of 64-bit Linux (asm-generic/statfs.h); x86-64 and arm64 have the same.</summary>
[KernelStruct("struct statfs", "asm/statfs.h")]
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct Statfs
{
    /// <summary>HUGETLBFS_MAGIC of linux/magic.h.</summary>
    [KernelConstant("linux/magic.h", Name = "HUGETLBFS_MAGIC")]
    public const long HugetlbfsMagic = 0x958458f6;

    /// <summary>TMPFS_MAGIC of linux/magic.h; also of memfds of ordinary pages.</summary>
    [KernelConstant("linux/magic.h", Name = "TMPFS_MAGIC")]
    public const long TmpfsMagic = 0x01021994;

    /// <summary>BPF_FS_MAGIC of linux/magic.h.</summary>
    [KernelConstant("linux/magic.h", Name = "BPF_FS_MAGIC")]
    public const long BpfMagic = 0xcafe4a11;

    [KernelField("f_type")]
    public long Type;

    /// <summary>On hugetlbfs: the page size.</summary>
    [KernelField("f_bsize")]
    public long BlockSize;

    /// <summary>On hugetlbfs: 0 without a <c>size=</c> option.</summary>
    [KernelField("f_blocks")]
    public ulong Blocks;

    [KernelField("f_bfree")]
    public ulong FreeBlocks;

    [KernelField("f_bavail")]
    public ulong AvailableBlocks;
}
