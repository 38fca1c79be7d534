using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>Makes segments: decides which pages they are of, and says in one sentence why there are none.</summary>
internal sealed unsafe class SegmentGrower : IDisposable
{
    /// <summary>Address space that costs nothing; another chunk follows if it does not do.</summary>
    private const ulong ChunkSize = 32 * ByteSize.GiB;

    private readonly ILogger _logger;
    private readonly IovaMode _iovaMode;
    private readonly NumaNodes _nodes;
    private readonly PageBudget _budget;
    private readonly PageSources _sources;
    private readonly AddressRange _addresses;
    private readonly SegmentMapper _mapper;
    private bool _warnOfOrdinaryPages;

    public SegmentGrower(MemoryOptions options, ILogger logger, HostFiles files)
    {
        _logger = logger;
        _iovaMode = options.IovaMode ?? IovaMode.Va;
        _warnOfOrdinaryPages = !options.NoHuge;
        _nodes = new NumaNodes(files);
        _budget = new PageBudget(files, options.LimitPerNode, _nodes.AreSeveral);
        _sources = PageSources.Create(options, files, logger);
        try
        {
            _addresses = new AddressRange(options.BaseVirtualAddress, ChunkSize);
        }
        catch
        {
            _sources.Dispose();
            throw;
        }

        if (options.BaseVirtualAddress is { } wanted && wanted != (ulong)Base)
        {
            logger.LogWarning(
                "Memory starts at 0x{Base:x}, not at --base-virtaddr 0x{Wanted:x}, which is taken or no multiple of 1 GiB",
                (ulong)Base, wanted);
        }

        _mapper = new SegmentMapper(_addresses, bindToNode: _nodes.AreSeveral, _iovaMode, logger);
    }

    /// <summary>The lowest reserved address.</summary>
    public byte* Base => _addresses.Base;

    /// <summary>Makes a segment in which a zone of this size and alignment fits.</summary>
    /// <param name="purpose">What it is for, as a message names it.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="alignment">Bytes; a power of two.</param>
    /// <param name="node">The NUMA node that it must be on; -1: any.</param>
    /// <param name="contiguous">Whether physical addresses had best be contiguous.</param>
    /// <exception cref="DataplaneException">There is not enough memory.</exception>
    public MemorySegment Grow(string purpose, nuint length, nuint alignment, int node, bool contiguous = false)
    {
        IReadOnlyList<int> nodes = _nodes.InOrder(node);
        var refusals = new List<Refusal>();
        foreach (PageSource source in _sources.InOrderFor(length, contiguous && _iovaMode == IovaMode.Pa))
        {
            if (TryAdd(source, length, alignment, nodes, refusals) is { } segment)
                return segment;
        }

        DataplaneException noHugepages = Explain(purpose, length, "hugepage memory", refusals);
        if (_sources.Ordinary is not { } ordinary)
            throw noHugepages;
        refusals.Clear();
        MemorySegment fallback = TryAdd(ordinary, length, alignment, nodes, refusals)
            ?? throw Explain(purpose, length, "memory", refusals);
        if (_warnOfOrdinaryPages)
            _logger.LogWarning("{Reason}; ordinary pages are used instead, which is slower", noHugepages.Message);
        _warnOfOrdinaryPages = false;
        return fallback;
    }

    /// <summary>Makes the segments that <c>-m</c> or <c>--socket-mem</c> ask for.</summary>
    public IEnumerable<MemorySegment> Prepopulate(MemoryOptions options)
    {
        if (options.MegabytesPerNode is { } perNode)
            return perNode.SelectMany((mebibytes, node) => Prepopulate("--socket-mem", (ulong)mebibytes * ByteSize.MiB, node));
        return Prepopulate("-m", (ulong)(options.Megabytes ?? 0) * ByteSize.MiB, node: -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _addresses.Dispose();
        _sources.Dispose();
    }

    private IEnumerable<MemorySegment> Prepopulate(string option, ulong bytes, int node)
    {
        ulong smallestPage = _sources.Huge.Count > 0 ? _sources.Huge[0].PageSize : 1;
        ulong wanted = ByteSize.AlignUp(bytes, smallestPage);
        if (wanted == 0)
            yield break;

        List<(PageSource Source, int Node, ulong Length)>? plan = Plan(wanted, _nodes.InOrder(node));
        if (plan is null)
        {
            // No mix of sizes does: one size may, or ordinary pages, or the reason is told.
            yield return Grow(option, (nuint)bytes, alignment: 1, node);
            yield break;
        }

        foreach ((PageSource source, int place, ulong length) in plan)
        {
            var refusals = new List<Refusal>();
            yield return TryAdd(source, (nuint)length, alignment: 1, [place], refusals)
                ?? throw Explain(option, (nuint)length, "hugepage memory", refusals);
        }
    }

    /// <summary>Covers an amount with the largest pages that fit, then the smallest that cover the rest; null if nothing does.</summary>
    private List<(PageSource Source, int Node, ulong Length)>? Plan(ulong wanted, IReadOnlyList<int> nodes)
    {
        var plan = new List<(PageSource Source, int Node, ulong Length)>();
        foreach (PageSource source in _sources.Huge.Reverse())
        {
            foreach (int node in nodes)
            {
                ulong length = Math.Min(wanted, _budget.Available(source, node)) / source.PageSize * source.PageSize;
                if (length > 0)
                    plan.Add((source, node, length));
                wanted -= length;
            }
        }

        if (wanted == 0)
            return plan;
        foreach (PageSource source in _sources.Huge)
        {
            foreach (int node in nodes)
            {
                ulong rest = ByteSize.AlignUp(wanted, source.PageSize);
                ulong planned = plan.Where(p => p.Source == source && p.Node == node).Aggregate(0UL, (sum, p) => sum + p.Length);
                if (planned + rest > _budget.Available(source, node))
                    continue;
                plan.Add((source, node, rest));
                return plan;
            }
        }

        return null;
    }

    private MemorySegment? TryAdd(
        PageSource source, nuint length, nuint alignment, IReadOnlyList<int> nodes, List<Refusal> refusals)
    {
        // Small zones of ordinary memory share a segment, and transparent hugepages get a chance.
        ulong unit = source.IsHuge ? source.PageSize : Math.Max(source.PageSize, 2 * ByteSize.MiB);
        var size = (nuint)ByteSize.AlignUp(length, unit);
        foreach (int node in nodes)
        {
            try
            {
                _budget.Require(source, node, size);
                MemorySegment segment = source.AddSegment(
                    size, node, file => _mapper.Map(file, source, size, Math.Max(alignment, (nuint)unit), node));
                _budget.Take(node, size);
                return segment;
            }
            catch (DataplaneException e)
            {
                refusals.Add(new Refusal(source, e));
            }
        }

        return null;
    }

    private DataplaneException Explain(string purpose, nuint length, string kind, List<Refusal> refusals)
    {
        // Sizes that the machine has set no page aside for are worth no word, if there are others.
        Refusal[] worth = [.. refusals.Where(r => _budget.HasPagesOf(r.Source))];
        if (worth.Length == 0)
            worth = [.. refusals.Take(1)];
        string reasons = worth.Length == 0
            ? "this kernel has no hugepages"
            : string.Join(", or ", worth.Select(r => r.Reason.Problem));
        return new DataplaneException(
            $"Cannot get {ByteSize.Format(ByteSize.Ceiling(length))} of {kind} for {purpose}: {reasons}",
            worth.FirstOrDefault()?.Reason.Remedy,
            worth.FirstOrDefault()?.Reason);
    }

    private sealed record Refusal(PageSource Source, DataplaneException Reason);
}
