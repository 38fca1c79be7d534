namespace Dataplane.Memory;

/// <summary>What the command line says of memory. The defaults are those of a command line that says nothing.</summary>
public sealed record MemoryOptions
{
    /// <summary>MiB to populate at start, on any NUMA node (<c>-m</c>); null: as pools need it.</summary>
    public int? Megabytes { get; init; }

    /// <summary>MiB to populate at start per NUMA node (<c>--socket-mem</c>, <c>--numa-mem</c>); null: as pools need it.</summary>
    public IReadOnlyList<int>? MegabytesPerNode { get; init; }

    /// <summary>Most MiB per NUMA node (<c>--socket-limit</c>, <c>--numa-limit</c>); null or 0: no limit.</summary>
    public IReadOnlyList<int>? LimitPerNode { get; init; }

    /// <summary>Mount point of the hugetlbfs to use (<c>--huge-dir</c>); null: the first usable one of /proc/mounts.</summary>
    public string? HugeDirectory { get; init; }

    /// <summary>First part of the names of all files of this process (<c>--file-prefix</c>).</summary>
    public string FilePrefix { get; init; } = "rte";

    /// <summary>When hugepage files are removed (<c>--huge-unlink</c>).</summary>
    public HugeUnlink HugeUnlink { get; init; } = HugeUnlink.Existing;

    /// <summary>Memory without any file or mount: memfd with hugepages (<c>--in-memory</c>).</summary>
    public bool InMemory { get; init; }

    /// <summary>Ordinary pages only (<c>--no-huge</c>).</summary>
    public bool NoHuge { get; init; }

    /// <summary>One file for all segments of a page size and node (<c>--single-file-segments</c>).</summary>
    public bool SingleFileSegments { get; init; }

    /// <summary>Where in the address space segments start (<c>--base-virtaddr</c>); null: our default.</summary>
    public ulong? BaseVirtualAddress { get; init; }

    /// <summary>What devices are given as addresses (<c>--iova-mode</c>); null: VA unless a device needs PA.</summary>
    public IovaMode? IovaMode { get; init; }
}

/// <summary>When hugepage files are removed from their mount.</summary>
public enum HugeUnlink
{
    /// <summary>Files that a dead process of the same prefix left are removed at start; ours stay until we close.</summary>
    Existing,

    /// <summary>Ours are removed as soon as they are mapped, so that nothing is left even after SIGKILL.</summary>
    Always,

    /// <summary>Nothing is removed; existing files are used again.</summary>
    Never,
}

/// <summary>Which addresses a device is given for its DMA.</summary>
public enum IovaMode
{
    /// <summary>Process virtual addresses, translated by an IOMMU or by the peer.</summary>
    Va,

    /// <summary>Physical addresses, from /proc/self/pagemap (needs CAP_SYS_ADMIN).</summary>
    Pa,
}
