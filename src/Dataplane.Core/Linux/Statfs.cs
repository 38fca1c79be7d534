using System.Runtime.InteropServices;

namespace Dataplane.Linux;

/// <summary><c>struct statfs</c> of 64-bit Linux (asm-generic/statfs.h); x86-64 and arm64 have the same.</summary>
[StructLayout(LayoutKind.Sequential, Size = 120)]
internal struct Statfs
{
    /// <summary>HUGETLBFS_MAGIC of linux/magic.h.</summary>
    public const long HugetlbfsMagic = 0x958458f6;

    public long Type;

    /// <summary>On hugetlbfs: the page size.</summary>
    public long BlockSize;

    /// <summary>On hugetlbfs: 0 without a <c>size=</c> option.</summary>
    public ulong Blocks;

    public ulong FreeBlocks;

    public ulong AvailableBlocks;
}
