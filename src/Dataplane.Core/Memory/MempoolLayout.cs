using System.Numerics;
using Dataplane.Packets;

namespace Dataplane.Memory;

/// <summary>Where everything lies in the zone of a mempool: the header, the caches, the slots of the ring, the buffers.</summary>
internal sealed unsafe class MempoolLayout
{
    private const int LineSize = 64;

    private readonly int _count;
    private readonly bool _physical;

    public MempoolLayout(MempoolOptions options, int lcoreCount, IovaMode iovaMode)
    {
        _count = options.Count;
        _physical = iovaMode == IovaMode.Pa;
        CacheSize = options.CacheSize;
        CacheLimit = CacheSize + (CacheSize / 2);
        CacheCount = CacheSize == 0 ? 0 : lcoreCount;
        CacheStride = MempoolCache.HeaderSize + (int)ByteSize.AlignUp((ulong)(CacheLimit * sizeof(Packet)), AlignedMemory.Alignment);
        BufferLength = Mbuf.DefaultHeadroom + options.DataRoom;
        nuint lines = ((nuint)(Mbuf.HeaderSize + BufferLength) + LineSize - 1) / LineSize;
        ElementStride = (lines | 1) * LineSize;
        CachesOffset = (nuint)ByteSize.AlignUp((ulong)sizeof(MempoolHeader), AlignedMemory.Alignment);
        SlotsOffset = CachesOffset + ((nuint)CacheCount * (nuint)CacheStride);
        nuint slots = BitOperations.RoundUpToPowerOf2((uint)_count);
        ElementsOffset = (nuint)ByteSize.AlignUp(SlotsOffset + (slots * (nuint)sizeof(nint)), AlignedMemory.Alignment);
    }

    /// <summary>Buffers that a cache is filled up to from the ring.</summary>
    public int CacheSize { get; }

    /// <summary>Buffers that a cache holds at most.</summary>
    public int CacheLimit { get; }

    /// <summary>Lcores that have a cache.</summary>
    public int CacheCount { get; }

    /// <summary>From cache to cache, in bytes.</summary>
    public int CacheStride { get; }

    /// <summary>Bytes of each buffer, headroom included.</summary>
    public int BufferLength { get; }

    /// <summary>From buffer to buffer, headers included, in bytes.</summary>
    public nuint ElementStride { get; }

    /// <summary>Where the caches start.</summary>
    public nuint CachesOffset { get; }

    /// <summary>Where the slots of the ring start.</summary>
    public nuint SlotsOffset { get; }

    /// <summary>Where the buffers start.</summary>
    public nuint ElementsOffset { get; }

    /// <summary>Whether the buffers can lie in such pages at all.</summary>
    public bool FitsPagesOf(nuint pageSize) => !_physical || pageSize >= ElementStride;

    /// <summary>
    /// Bytes of a zone in such pages, wherever it starts: the rest of the first page may be too small for a buffer, and
    /// each page but the last ends in a rest.
    /// </summary>
    public nuint LengthFor(nuint pageSize)
    {
        nuint length = ElementsOffset + ((nuint)_count * ElementStride);
        if (!_physical)
            return length;
        nuint perPage = pageSize / ElementStride;
        nuint pages = ((nuint)_count + perPage - 1) / perPage;
        return length + ElementStride + ((pages - 1) * (pageSize - (perPage * ElementStride)));
    }

    /// <summary>
    /// Where the next buffer goes that could go to an offset. A device that is given physical addresses must not run
    /// over the end of a page: what follows it lies elsewhere.
    /// </summary>
    public nuint SkipPageEnd(nuint offset, nuint zoneAddress, nuint pageSize)
    {
        if (!_physical)
            return offset;
        nuint leftInPage = pageSize - ((zoneAddress + offset) % pageSize);
        return leftInPage < ElementStride ? offset + leftInPage : offset;
    }
}
