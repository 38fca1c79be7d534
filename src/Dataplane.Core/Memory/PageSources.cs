using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>Turns the options into the places where pages are taken from.</summary>
internal sealed class PageSources : IDisposable
{
    private PageSources(IReadOnlyList<PageSource> huge, PageSource? ordinary)
    {
        Huge = huge;
        Ordinary = ordinary;
    }

    /// <summary>Hugepages, one source per size, ascending; none if the kernel has none, or with <c>--no-huge</c>.</summary>
    public IReadOnlyList<PageSource> Huge { get; }

    /// <summary>Ordinary pages; null if the options insist on hugepages.</summary>
    public PageSource? Ordinary { get; }

    /// <summary>
    /// Hugepages are insisted on by options that make no sense without: <c>--huge-dir</c>, <c>--in-memory</c>,
    /// <c>--socket-mem</c> and IOVA as PA, because ordinary pages may move. <c>-m</c> and <c>--huge-unlink</c> do not:
    /// they say how much, and what should be left behind, which ordinary pages satisfy.
    /// </summary>
    /// <exception cref="DataplaneException">An option cannot be followed.</exception>
    public static PageSources Create(MemoryOptions options, HostFiles files, ILogger logger)
    {
        if (options.NoHuge)
            return new PageSources([], OrdinaryPages(options));
        bool insists = options.HugeDirectory is not null || options.InMemory
            || options.MegabytesPerNode is not null || options.IovaMode == IovaMode.Pa;
        var huge = new List<PageSource>();
        try
        {
            // In memory means no files at all, wherever they could be.
            if (options is { HugeDirectory: { } directory, InMemory: false })
                huge.Add(new HugetlbfsSource(HugetlbMount.Open(directory), options, logger));
            else
                AddSourcePerSize(huge, options, files, logger);
            return new PageSources(huge, insists ? null : OrdinaryPages(options));
        }
        catch
        {
            huge.ForEach(source => source.Dispose());
            throw;
        }
    }

    /// <summary>The sizes in the order in which to try them for a segment.</summary>
    /// <param name="length">Bytes.</param>
    /// <param name="onePage">Whether the segment had best be a single page.</param>
    public IEnumerable<PageSource> InOrderFor(nuint length, bool onePage)
    {
        // Large pages spare the TLB, unless more than an eighth of them would be for nothing.
        return Huge
            .OrderByDescending(s => onePage && s.PageSize >= length)
            .ThenByDescending(s => Waste(s) <= length / 8 ? s.PageSize : 0)
            .ThenBy(s => s.PageSize);

        ulong Waste(PageSource source) => ByteSize.AlignUp(length, source.PageSize) - length;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PageSource source in Huge)
            source.Dispose();
        Ordinary?.Dispose();
    }

    private static void AddSourcePerSize(List<PageSource> huge, MemoryOptions options, HostFiles files, ILogger logger)
    {
        var inventory = new HugepageInventory(files);
        IReadOnlyList<HugetlbMount> mounts = options.InMemory ? [] : HugetlbMount.Find(files, inventory.DefaultPageSize());
        foreach (ulong pageSize in inventory.PageSizes())
        {
            HugetlbMount? mount = mounts.FirstOrDefault(m => m.PageSize == pageSize && m.IsUsable && m.BytesLeft() != 0);
            huge.Add(mount is null
                ? new MemfdSource((nuint)pageSize, huge: true, options.SingleFileSegments, options.FilePrefix)
                : new HugetlbfsSource(mount, options, logger));
        }
    }

    private static MemfdSource OrdinaryPages(MemoryOptions options) =>
        new((nuint)Environment.SystemPageSize, huge: false, options.SingleFileSegments, options.FilePrefix);
}
