using System.Numerics;
using System.Runtime.CompilerServices;
using Dataplane.Packets;
using Dataplane.Rings;

namespace Dataplane.Memory;

/// <summary>
/// A pool of packet buffers of one size in memory that devices and peers can reach: a cache per lcore in front of a
/// ring that all threads share. Any thread may take and free; only lcores of the runtime have a cache.
/// </summary>
/// <remarks>
/// Buffers stand an odd number of cache lines apart. With an even number their headers, which every packet touches,
/// would share a fraction of the sets of the first-level cache.
/// </remarks>
public sealed unsafe class Mempool : IDisposable
{
    private const int LineSize = 64;

    private readonly MemoryZone _zone;
    private MempoolHeader* _header;

    /// <summary>Makes a pool with all buffers free.</summary>
    /// <param name="memory">Where it lies; outlives the pool.</param>
    /// <param name="options">Count and sizes.</param>
    /// <param name="lcoreCount">Lcores that get a cache: those of the runtime with indices below this.</param>
    /// <exception cref="DataplaneException">There is not enough memory.</exception>
    public Mempool(DataplaneMemory memory, MempoolOptions options, int lcoreCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Count);
        ArgumentOutOfRangeException.ThrowIfNegative(options.CacheSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.CacheSize, MempoolOptions.MaxCacheSize);
        ArgumentOutOfRangeException.ThrowIfNegative(options.DataRoom);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.DataRoom, ushort.MaxValue - Mbuf.DefaultHeadroom);
        Name = options.Name;
        Capacity = options.Count;
        var layout = new MempoolLayout(options, lcoreCount, memory.IovaMode);
        _zone = layout.Allocate(memory);
        _header = Initialize(memory, layout);
    }

    /// <summary>Name in statistics and messages.</summary>
    public string Name { get; }

    /// <summary>Buffers of the pool, free or not.</summary>
    public int Capacity { get; }

    /// <summary>Bytes of each buffer, headroom included.</summary>
    public int BufferLength => _header->BufferLength;

    /// <summary>Bytes of data that fit into a fresh packet.</summary>
    public int DataRoom => _header->BufferLength - Mbuf.DefaultHeadroom;

    /// <summary>Where the pool lies.</summary>
    public MemoryZone Zone => _zone;

    /// <summary>What the pool has done and how many buffers are free. Any thread, until the pool is disposed.</summary>
    public MempoolStatistics Statistics
    {
        get
        {
            int available = _header->Ring.Count;
            ulong gets = 0, puts = 0, ringGets = 0, ringPuts = 0;
            ulong failures = (ulong)Volatile.Read(ref _header->SharedFailures.Value);
            for (int i = 0; i < _header->CacheCount; i++)
            {
                MempoolCache* cache = _header->CacheOf(i);
                available += Volatile.Read(ref cache->Length);
                gets += Volatile.Read(ref cache->Gets);
                puts += Volatile.Read(ref cache->Puts);
                ringGets += Volatile.Read(ref cache->RingGets);
                ringPuts += Volatile.Read(ref cache->RingPuts);
                failures += Volatile.Read(ref cache->Failures);
            }

            return new MempoolStatistics(
                Capacity, Math.Min(available, Capacity), gets, puts, ringGets, ringPuts, failures);
        }
    }

    /// <summary>Takes an empty packet, with the default headroom and no data.</summary>
    /// <returns>False if the pool has none left.</returns>
    public bool TryAllocate(out Packet packet)
    {
        Unsafe.SkipInit(out packet);
        if (!TryAllocateRaw(new Span<Packet>(ref packet)))
        {
            packet = default;
            return false;
        }

        Mbuf* mbuf = packet.Mbuf;
        mbuf->DataOffset = Mbuf.DefaultHeadroom;
        mbuf->DataLength = 0;
        mbuf->PacketLength = 0;
        mbuf->Port = ushort.MaxValue;
        mbuf->Flags = MbufFlags.None;
        return true;
    }

    /// <summary>
    /// Takes buffers for the whole span or none, for drivers: lengths, offset, port and flags are what they were and the
    /// caller sets them, for example by <see cref="Mbuf.SetReceived"/>.
    /// </summary>
    /// <returns>False if the pool has fewer; the span is undefined then.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocateRaw(Span<Packet> burst) => _header->TryGet(burst);

    /// <summary>
    /// Takes plain buffers of this pool back, for drivers that know that they are neither chained nor external nor of
    /// another pool. Everyone else frees by <see cref="Packet.Free(ReadOnlySpan{Packet})"/>.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreeRaw(ReadOnlySpan<Packet> burst) => _header->Put(burst);

    /// <summary>Gives the memory back. All packets must be back; ports that use the pool must be closed.</summary>
    public void Dispose()
    {
        if (_header == null)
            return;
        _header = null;
        _zone.Dispose();
    }

    private MempoolHeader* Initialize(DataplaneMemory memory, MempoolLayout layout)
    {
        var header = (MempoolHeader*)_zone.Address;
        uint slots = BitOperations.RoundUpToPowerOf2((uint)Capacity);
        header->Ring.Initialize((nint*)(_zone.Address + layout.SlotsOffset), slots);
        header->Owner = memory.Identity;
        header->Caches = _zone.Address + layout.CachesOffset;
        header->CacheCount = layout.CacheCount;
        header->CacheStride = layout.CacheStride;
        header->CacheSize = layout.CacheSize;
        header->CacheLimit = layout.CacheLimit;
        header->BufferLength = (ushort)layout.BufferLength;
        header->Elements = _zone.Address + layout.ElementsOffset;
        header->ElementStride = layout.ElementStride;
        header->ElementsEnd = _zone.Address + _zone.Length;

        var cursor = layout.ElementsOffset;
        for (int i = 0; i < Capacity; i++, cursor += layout.ElementStride)
        {
            cursor = layout.SkipPageBoundary(cursor, _zone);
            var mbuf = (Mbuf*)(_zone.Address + cursor);
            byte* buffer = Mbuf.OwnBuffer(mbuf);
            *mbuf = new Mbuf
            {
                Buffer = buffer,
                BufferIova = memory.IovaOf(buffer),
                OwnIova = memory.IovaOf(buffer),
                DataOffset = Mbuf.DefaultHeadroom,
                SegmentCount = 1,
                BufferLength = (ushort)layout.BufferLength,
                Pool = header,
            };
            MempoolChecks.OnCreate(mbuf);
            nint item = (nint)mbuf;
            header->Ring.Enqueue(new ReadOnlySpan<nint>(ref item), 1);
        }

        return header;
    }

    /// <summary>Where everything lies in the zone of a pool.</summary>
    private sealed class MempoolLayout
    {
        private readonly MempoolOptions _options;
        private readonly bool _physical;

        public MempoolLayout(MempoolOptions options, int lcoreCount, IovaMode iovaMode)
        {
            _options = options;
            _physical = iovaMode == IovaMode.Pa;
            CacheSize = options.CacheSize;
            CacheLimit = CacheSize + (CacheSize / 2);
            CacheCount = CacheSize == 0 ? 0 : lcoreCount;
            CacheStride = MempoolCache.HeaderSize + (int)AlignUp((nuint)(CacheLimit * sizeof(Packet)), AlignedMemory.Alignment);
            BufferLength = Mbuf.DefaultHeadroom + options.DataRoom;
            nuint lines = ((nuint)(Mbuf.HeaderSize + BufferLength) + LineSize - 1) / LineSize;
            ElementStride = (lines | 1) * LineSize;
            CachesOffset = AlignUp((nuint)sizeof(MempoolHeader), AlignedMemory.Alignment);
            SlotsOffset = CachesOffset + ((nuint)CacheCount * (nuint)CacheStride);
            nuint slots = BitOperations.RoundUpToPowerOf2((uint)options.Count);
            ElementsOffset = AlignUp(SlotsOffset + (slots * (nuint)sizeof(nint)), AlignedMemory.Alignment);
        }

        public int CacheSize { get; }

        public int CacheLimit { get; }

        public int CacheCount { get; }

        public int CacheStride { get; }

        public int BufferLength { get; }

        public nuint ElementStride { get; }

        public nuint CachesOffset { get; }

        public nuint SlotsOffset { get; }

        public nuint ElementsOffset { get; }

        /// <summary>Which pages the zone gets, and so how much is lost at their ends, is known only when it is there.</summary>
        public MemoryZone Allocate(DataplaneMemory memory)
        {
            nuint length = _physical ? LengthFor(pageSize: 2 << 20) : ElementsOffset + ((nuint)_options.Count * ElementStride);
            while (true)
            {
                MemoryZone zone = memory.Allocate(_options.Name, length, _options.NumaNode, AlignedMemory.Alignment);
                nuint pageSize = zone.Segment.PageSize;
                if (!_physical || (pageSize >= ElementStride && LengthFor(pageSize) <= length))
                    return zone;
                zone.Dispose();
                if (pageSize < ElementStride)
                    throw TooLargeFor(pageSize);
                length = LengthFor(pageSize);
            }
        }

        /// <summary>A device that is given physical addresses must not run over the end of a page: what follows it lies elsewhere.</summary>
        public nuint SkipPageBoundary(nuint offset, MemoryZone zone)
        {
            if (!_physical)
                return offset;
            nuint pageSize = zone.Segment.PageSize;
            nuint leftInPage = pageSize - ((nuint)(zone.Address + offset) % pageSize);
            return leftInPage < ElementStride ? offset + leftInPage : offset;
        }

        /// <summary>The rest of the first page may be too small for an element, and each page but the last ends in a rest.</summary>
        private nuint LengthFor(nuint pageSize)
        {
            nuint perPage = pageSize / ElementStride;
            nuint pages = ((nuint)_options.Count + perPage - 1) / perPage;
            nuint lost = ElementStride + ((pages - 1) * (pageSize - (perPage * ElementStride)));
            return ElementsOffset + ((nuint)_options.Count * ElementStride) + lost;
        }

        private DataplaneException TooLargeFor(nuint pageSize) => new(
            $"The mempool {_options.Name} cannot have buffers of {ElementStride} bytes for devices that are given physical addresses: each would cross the end of a page of {pageSize} bytes",
            "use hugepages or --iova-mode=va");

        private static nuint AlignUp(nuint value, nuint alignment) => (value + alignment - 1) / alignment * alignment;
    }
}
