using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Memory;

/// <summary>
/// The memory that packets, rings and descriptors live in: populated pages at addresses that never change, which devices
/// and peers can be shown. Zones are carved from segments; segments are added as zones need them and stay until
/// <see cref="Dispose"/>. Any thread may allocate and free; it is control-plane work and takes a lock.
/// </summary>
public sealed unsafe class DataplaneMemory : IDisposable, IDmaMapper
{
    /// <summary>Zones start and end on lines of their own, so that two cores never share one by accident.</summary>
    private const nuint Granule = 128;

    /// <summary>User space ends at 2^47 on x86-64, at most at 2^52 on arm64; sums of what is smaller do not overflow.</summary>
    private const ulong LargestZone = 1UL << 52;

    private readonly Lock _gate = new();
    private readonly SegmentGrower _grower;
    private ImmutableArray<SegmentHeap> _heaps = [];
    private ImmutableList<Action<MemorySegment>> _watchers = [];
    private bool _disposed;

    private DataplaneMemory(MemoryOptions options, ILogger logger, HostFiles files)
    {
        IovaMode = options.IovaMode ?? IovaMode.Va;
        _grower = new SegmentGrower(options, logger, files);
        Identity = (nint)_grower.Base;
    }

    /// <summary>All segments, in the order in which they were added; a snapshot.</summary>
    public IReadOnlyList<MemorySegment> Segments => [.. _heaps.Select(h => h.Segment)];

    /// <summary>Which addresses <see cref="IovaOf"/> returns.</summary>
    public IovaMode IovaMode { get; }

    /// <summary>Tells live instances apart; never zero.</summary>
    public nint Identity { get; }

    /// <summary>Finds pages, removes what dead processes of the same prefix left, and populates what the options ask for.</summary>
    /// <param name="options">What the command line says.</param>
    /// <param name="logger">Gets the notices; the category is by custom <c>EAL</c>.</param>
    /// <exception cref="DataplaneException">The memory that the options ask for is not to be had.</exception>
    public static DataplaneMemory Create(MemoryOptions options, ILogger logger) =>
        Create(options, logger, new HostFiles());

    /// <summary>As the public one, on a machine whose /proc and /sys say what a test wants.</summary>
    internal static DataplaneMemory Create(MemoryOptions options, ILogger logger, HostFiles files)
    {
        Check(options);
        var memory = new DataplaneMemory(options, logger, files);
        try
        {
            foreach (MemorySegment segment in memory._grower.Prepopulate(options))
                memory.AddSegment(segment);
            return memory;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>Takes zeroed, populated memory; adds a segment when no segment has room.</summary>
    /// <param name="name">What the zone is for; shown in messages.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="numaNode">The NUMA node whose memory it must be; -1: any.</param>
    /// <param name="alignment">Bytes; a power of two.</param>
    /// <param name="contiguous">
    /// Whether <see cref="IovaOf"/> must rise by one from byte to byte across the whole zone, for devices that get only the
    /// address of the first. Always so with virtual addresses; with physical ones the zone must fit the pages.
    /// </param>
    /// <returns>The zone, which the caller disposes.</returns>
    /// <exception cref="DataplaneException">There is not enough memory of that kind.</exception>
    public MemoryZone Allocate(
        string name, nuint length, int numaNode = -1, nuint alignment = Granule, bool contiguous = false)
    {
        ArgumentOutOfRangeException.ThrowIfZero(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, LargestZone);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(alignment, LargestZone);
        if (!BitOperations.IsPow2(alignment))
            throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "must be a power of two");

        alignment = Math.Max(alignment, Granule);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return Find(name, length, numaNode, alignment, contiguous)
                ?? GrowAndAllocate(name, length, numaNode, alignment, contiguous);
        }
    }

    /// <summary>
    /// Shows every segment to whoever must know them all (a device's IOMMU, a peer): those that are there now, and each new
    /// one before any of its memory is handed out, on the thread that allocates.
    /// </summary>
    /// <param name="watcher">When it throws, the allocation fails with its exception and the segment is never used.</param>
    /// <returns>Disposing it ends the watch.</returns>
    public IDisposable WatchSegments(Action<MemorySegment> watcher)
    {
        lock (_gate)
        {
            foreach (SegmentHeap heap in _heaps)
                watcher(heap.Segment);
            _watchers = _watchers.Add(watcher);
        }

        return new Watch(this, watcher);
    }

    /// <inheritdoc/>
    public ulong IovaOf(void* address)
    {
        if (IovaMode == IovaMode.Va)
            return (ulong)address;
        foreach (SegmentHeap heap in _heaps)
        {
            if (heap.Segment.Contains(address))
                return heap.Segment.PhysicalAddressOf(address);
        }

        throw new ArgumentException($"0x{(ulong)address:x} is not dataplane memory", nameof(address));
    }

    /// <summary>Unmaps everything, closes and removes the files as the options say. Nothing may use the memory any more.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
            _heaps = [];
            _grower.Dispose();
        }
    }

    internal void Free(MemoryZone zone)
    {
        lock (_gate)
        {
            if (!_disposed)
                _heaps.Single(h => h.Segment == zone.Segment).Free(zone);
        }
    }

    private static void Check(MemoryOptions options)
    {
        if (options.FilePrefix.Length == 0 || options.FilePrefix.AsSpan().ContainsAny('/', '%'))
            throw new DataplaneException($"The file prefix '{options.FilePrefix}' cannot be a part of a file's name", "give another --file-prefix");
        if (options.IovaMode != IovaMode.Pa)
            return;
        if (options.NoHuge)
        {
            throw new DataplaneException(
                "--no-huge and --iova-mode=pa exclude each other: ordinary pages may move in physical memory",
                "leave one of them out");
        }

        Pagemap.Require();
    }

    private MemoryZone? Find(string name, nuint length, int numaNode, nuint alignment, bool contiguous)
    {
        foreach (SegmentHeap heap in _heaps)
        {
            if ((numaNode < 0 || heap.Segment.NumaNode == numaNode)
                && heap.TryAllocate(length, alignment, contiguous, out byte* address))
            {
                return new MemoryZone(this, name, address, length, heap.Segment);
            }
        }

        return null;
    }

    private MemoryZone GrowAndAllocate(string name, nuint length, int numaNode, nuint alignment, bool contiguous)
    {
        AddSegment(_grower.Grow($"'{name}'", length, alignment, numaNode, contiguous));
        return Find(name, length, numaNode, alignment, contiguous)
            ?? throw new DataplaneException(
                $"Cannot get {ByteSize.Format(length)} of physically contiguous memory for '{name}'",
                "use larger hugepages (hugepagesz=1G) or --iova-mode=va");
    }

    private void AddSegment(MemorySegment segment)
    {
        foreach (Action<MemorySegment> watcher in _watchers)
            watcher(segment);
        _heaps = _heaps.Add(new SegmentHeap(segment));
    }

    private sealed class Watch(DataplaneMemory memory, Action<MemorySegment> watcher) : IDisposable
    {
        public void Dispose()
        {
            lock (memory._gate)
                memory._watchers = memory._watchers.Remove(watcher);
        }
    }

    /// <summary>A segment, what of it is free, and what of it has never been handed out, which the kernel has zeroed.</summary>
    private sealed class SegmentHeap(MemorySegment segment)
    {
        private readonly ZoneHeap _heap = new((ulong)segment.Address, segment.Length, segment.Seams());
        private ulong _cleanFrom = (ulong)segment.Address + (segment.HasOldContent ? segment.Length : 0);

        public MemorySegment Segment => segment;

        public bool TryAllocate(nuint length, nuint alignment, bool contiguous, out byte* address)
        {
            ulong rounded = ByteSize.AlignUp(length, Granule);
            bool found = _heap.TryAllocate(rounded, alignment, contiguous, out ulong start);
            address = (byte*)start;
            if (!found)
                return false;
            ulong end = start + rounded;
            if (start < _cleanFrom)
                NativeMemory.Clear(address, (nuint)(Math.Min(end, _cleanFrom) - start));
            _cleanFrom = Math.Max(_cleanFrom, end);
            return true;
        }

        public void Free(MemoryZone zone) =>
            _heap.Free((ulong)zone.Address, ByteSize.AlignUp(zone.Length, Granule));
    }
}
