using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>Decides which pages a new segment is made of.</summary>
internal sealed unsafe class SegmentGrower : IDisposable
{
    private readonly AddressRange _addresses;
    private readonly SegmentMapper _mapper;
    private readonly PageSource _ordinary;

    public SegmentGrower(MemoryOptions options, ILogger logger)
    {
        _addresses = new AddressRange(options.BaseVirtualAddress, chunkSize: 32 * ByteSize.GiB);
        _mapper = new SegmentMapper(_addresses, bindToNode: false, logger);
        _ordinary = new MemfdSource(
            (nuint)Environment.SystemPageSize, huge: false, options.SingleFileSegments, options.FilePrefix);
    }

    /// <summary>The lowest reserved address.</summary>
    public byte* Base => _addresses.Base;

    /// <summary>Makes a segment in which a zone of this size and alignment fits.</summary>
    public MemorySegment Grow(nuint length, nuint alignment, int node)
    {
        // Small zones of ordinary memory share a segment, and transparent hugepages get a chance.
        nuint size = (nuint)ByteSize.AlignUp(length, Math.Max(_ordinary.PageSize, 2 * ByteSize.MiB));
        return _ordinary.AddSegment(size, node, file => _mapper.Map(file, _ordinary, size, alignment, Math.Max(node, 0)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _addresses.Dispose();
        _ordinary.Dispose();
    }
}
