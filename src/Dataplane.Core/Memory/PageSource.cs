namespace Dataplane.Memory;

/// <summary>Where pages of one size come from: makes a file per segment, or one per NUMA node for all of them.</summary>
internal abstract class PageSource(nuint pageSize, bool singleFile) : IDisposable
{
    private readonly List<SegmentFile> _files = [];
    private readonly Dictionary<int, SegmentFile> _fileOfNode = [];

    /// <summary>Bytes of one page.</summary>
    public nuint PageSize { get; } = pageSize;

    /// <summary>Whether these are hugepages, which never move and are never swapped.</summary>
    public abstract bool IsHuge { get; }

    /// <summary>What the pages are, for messages: <c>2 MiB hugepages of /mnt/huge</c>.</summary>
    public abstract string Description { get; }

    /// <summary>Bytes that the place of the files can still hold; null: as many as there are pages.</summary>
    public virtual ulong? BytesLeft => null;

    /// <summary>Bytes of pages that the next file has already.</summary>
    public virtual ulong Reusable => 0;

    /// <summary>Makes a file for new pages and hands it to <paramref name="map"/>, which maps and populates them.</summary>
    /// <param name="length">Bytes; a multiple of the page size.</param>
    /// <param name="node">The NUMA node that the pages are for.</param>
    /// <param name="map">When it throws, the pages are given back.</param>
    public MemorySegment AddSegment(nuint length, int node, Func<SegmentFile, MemorySegment> map)
    {
        bool isNew = !_fileOfNode.TryGetValue(node, out SegmentFile? file);
        file ??= Open();
        try
        {
            file.Extend(length);
            MemorySegment segment = map(file);
            file.Mapped();
            file.Used += (long)length;
            if (isNew)
                _files.Add(file);
            if (singleFile)
                _fileOfNode[node] = file;
            return segment;
        }
        catch
        {
            file.Withdraw(length);
            if (isNew)
                file.Dispose();
            throw;
        }
    }

    /// <summary>Closes all files, and removes them as the mode says.</summary>
    public virtual void Dispose()
    {
        foreach (SegmentFile file in _files)
            file.Dispose();
        _files.Clear();
        _fileOfNode.Clear();
    }

    /// <summary>Makes an empty file.</summary>
    /// <exception cref="DataplaneException">The system refuses.</exception>
    protected abstract SegmentFile Open();
}
