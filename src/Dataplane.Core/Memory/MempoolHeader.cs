using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Lcores;
using Dataplane.Packets;
using Dataplane.Rings;

namespace Dataplane.Memory;

/// <summary>
/// A mempool as it lies in its memory zone, so that a packet finds its pool without any managed object:
/// this header, a cache per lcore, the slots of the shared ring, the buffers.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MempoolHeader
{
    /// <summary>The ring behind the caches; has room for every buffer of the pool, so putting never fails.</summary>
    public MpmcRingCore Ring;

    /// <summary>The runtime whose lcores have a cache here.</summary>
    public nint Owner;

    /// <summary>Caches of <see cref="CacheStride"/> bytes each, by lcore index.</summary>
    public byte* Caches;

    public int CacheCount;
    public int CacheStride;

    /// <summary>Buffers that a cache is filled up to from the ring.</summary>
    public int CacheSize;

    /// <summary>Buffers that a cache holds at most.</summary>
    public int CacheLimit;

    /// <summary>Bytes of each buffer, headroom included.</summary>
    public ushort BufferLength;

    /// <summary>Where the buffers lie: first and end (Debug builds check what comes back against it).</summary>
    public byte* Elements;
    public byte* ElementsEnd;

    /// <summary>Requests that could not be met, by threads without a cache; away from what every lcore reads above.</summary>
    public SharedCounter SharedFailures;

    /// <summary>Takes buffers for the whole span or none. Any thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGet(Span<Packet> burst)
    {
        MempoolCache* cache = CurrentCache();
        if (cache == null || burst.Length > CacheLimit)
            return TryGetShared(cache, burst);
        if (cache->Length < burst.Length && !TryRefill(cache, burst.Length))
            return false;
        int left = cache->Length - burst.Length;
        new ReadOnlySpan<Packet>(MempoolCache.Slots(cache) + left, burst.Length).CopyTo(burst);
        cache->Length = left;
        cache->Gets += (uint)burst.Length;
        MempoolChecks.OnGet(burst);
        return true;
    }

    /// <summary>Takes plain buffers of this pool back. Any thread.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(ReadOnlySpan<Packet> burst)
    {
        MempoolChecks.OnPut(ref this, burst);
        MempoolCache* cache = CurrentCache();
        if (cache == null || burst.Length > CacheLimit)
        {
            PutShared(burst);
            return;
        }

        if (cache->Length + burst.Length > CacheLimit)
            MakeRoom(cache, burst.Length);
        burst.CopyTo(new Span<Packet>(MempoolCache.Slots(cache) + cache->Length, burst.Length));
        cache->Length += burst.Length;
        cache->Puts += (uint)burst.Length;
    }

    public readonly MempoolCache* CacheOf(int index) => (MempoolCache*)(Caches + ((nint)index * CacheStride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly MempoolCache* CurrentCache()
    {
        int index = LcoreContext.IndexFor(Owner);
        return (uint)index < (uint)CacheCount ? CacheOf(index) : null;
    }

    /// <summary>Past the cache: for threads that have none, and for bursts that are larger than one. What it holds counts all the same.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryGetShared(MempoolCache* cache, Span<Packet> burst)
    {
        if (burst.IsEmpty)
            return true;
        int cached = cache == null ? 0 : cache->Length;
        int missing = burst.Length - cached;
        if (Ring.Dequeue(MemoryMarshal.Cast<Packet, nint>(burst[cached..]), missing) == 0)
        {
            if (cache == null)
                Interlocked.Increment(ref SharedFailures.Value);
            else
                cache->Failures++;
            return false;
        }

        if (cached != 0)
        {
            new ReadOnlySpan<Packet>(MempoolCache.Slots(cache), cached).CopyTo(burst);
            cache->Length = 0;
            cache->Gets += (uint)cached;
        }

        MempoolChecks.OnGet(burst);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PutShared(ReadOnlySpan<Packet> burst) =>
        Ring.Enqueue(MemoryMarshal.Cast<Packet, nint>(burst), burst.Length);

    /// <summary>Brings at least <paramref name="needed"/> buffers, which is not above the limit, into the cache, and more where the ring has them.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryRefill(MempoolCache* cache, int needed)
    {
        int missing = needed - cache->Length;
        int wanted = Math.Min(CacheLimit - cache->Length, missing + CacheSize);
        int got = Ring.Dequeue(new Span<nint>(MempoolCache.Slots(cache) + cache->Length, wanted), missing);
        cache->Length += got;
        cache->RingGets += (uint)got;
        if (got != 0)
            return true;
        cache->Failures++;
        return false;
    }

    /// <summary>
    /// Moves the buffers at the bottom of a full cache, the coldest, to the ring, so that <paramref name="needed"/>, which
    /// is not above the limit, fit. Half of what may stay does, so that gets and puts that alternate seldom reach the ring.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void MakeRoom(MempoolCache* cache, int needed)
    {
        int keep = Math.Min(CacheSize, CacheLimit - needed) / 2;
        var slots = new Span<nint>(MempoolCache.Slots(cache), cache->Length);
        int moved = slots.Length - keep;
        Ring.Enqueue(slots[..moved], moved);
        cache->RingPuts += (uint)moved;
        slots[moved..].CopyTo(slots);
        cache->Length = keep;
    }
}

/// <summary>A counter that several threads write, with its lines to itself wherever the struct starts.</summary>
[StructLayout(LayoutKind.Explicit, Size = 2 * AlignedMemory.Alignment)]
internal struct SharedCounter
{
    [FieldOffset(AlignedMemory.Alignment)] public long Value;
}
