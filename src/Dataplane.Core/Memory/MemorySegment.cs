using Microsoft.Win32.SafeHandles;

namespace Dataplane.Memory;

/// <summary>
/// A run of pages of one size on one NUMA node, mapped at an address that stays for the life of its
/// <see cref="DataplaneMemory"/>. Peers map <see cref="File"/> at <see cref="FileOffset"/>; devices map the address
/// range for their DMA. The pages are populated: touching them never faults for lack of memory.
/// </summary>
public sealed unsafe class MemorySegment
{
    internal MemorySegment(byte* address, nuint length, nuint pageSize, int numaNode, SafeFileHandle file, long fileOffset)
    {
        Address = address;
        Length = length;
        PageSize = pageSize;
        NumaNode = numaNode;
        File = file;
        FileOffset = fileOffset;
    }

    /// <summary>Where the segment starts; a multiple of <see cref="PageSize"/>.</summary>
    public byte* Address { get; }

    /// <summary>Bytes; a multiple of <see cref="PageSize"/>.</summary>
    public nuint Length { get; }

    /// <summary>Bytes of one page.</summary>
    public nuint PageSize { get; }

    /// <summary>The NUMA node of the pages.</summary>
    public int NumaNode { get; }

    /// <summary>The file behind the pages; owned by the memory, and shared by segments with <c>--single-file-segments</c>.</summary>
    public SafeFileHandle File { get; }

    /// <summary>Where in <see cref="File"/> the segment starts, in bytes.</summary>
    public long FileOffset { get; }

    /// <summary>Physical address of every page, in order; null unless devices are given physical addresses.</summary>
    internal ulong[]? PhysicalPages { get; init; }

    /// <summary>Whether the pages may hold bytes of an earlier process; else the kernel has zeroed them.</summary>
    internal bool HasOldContent { get; init; }

    /// <summary>Whether a byte is in this segment.</summary>
    public bool Contains(void* address) => (nuint)((byte*)address - Address) < Length;

    /// <summary>Physical address of a byte of this segment.</summary>
    internal ulong PhysicalAddressOf(void* address)
    {
        nuint offset = (nuint)((byte*)address - Address);
        return PhysicalPages![offset / PageSize] + (offset & (PageSize - 1));
    }

    /// <summary>Addresses between two pages that are no physical neighbours.</summary>
    internal IReadOnlyList<ulong> Seams()
    {
        var seams = new List<ulong>();
        for (int i = 1; i < (PhysicalPages?.Length ?? 0); i++)
        {
            if (PhysicalPages![i] != PhysicalPages[i - 1] + PageSize)
                seams.Add((ulong)Address + ((ulong)i * PageSize));
        }

        return seams;
    }
}
