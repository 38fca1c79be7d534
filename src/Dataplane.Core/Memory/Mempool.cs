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
        _zone = Allocate(memory, options, layout);
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

    /// <summary>The pool as its packets know it.</summary>
    internal MempoolHeader* Header => _header;

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
        header->ElementsEnd = _zone.Address + _zone.Length;

        var cursor = layout.ElementsOffset;
        for (int i = 0; i < Capacity; i++, cursor += layout.ElementStride)
        {
            cursor = layout.SkipPageEnd(cursor, (nuint)_zone.Address, _zone.Segment.PageSize);
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

    /// <summary>Which pages the zone gets, and so how much is lost at their ends, is known only when it is there.</summary>
    private static MemoryZone Allocate(DataplaneMemory memory, MempoolOptions options, MempoolLayout layout)
    {
        nuint length = layout.LengthFor(pageSize: 2 << 20);
        while (true)
        {
            MemoryZone zone = memory.Allocate(options.Name, length, options.NumaNode, AlignedMemory.Alignment);
            nuint pageSize = zone.Segment.PageSize;
            if (layout.FitsPagesOf(pageSize) && layout.LengthFor(pageSize) <= length)
                return zone;
            zone.Dispose();
            if (!layout.FitsPagesOf(pageSize))
            {
                throw new DataplaneException(
                    $"The mempool {options.Name} cannot have buffers of {layout.ElementStride} bytes for devices that are given physical addresses: each would cross the end of a page of {pageSize} bytes",
                    "use larger hugepages or --iova-mode=va");
            }

            length = layout.LengthFor(pageSize);
        }
    }
}
