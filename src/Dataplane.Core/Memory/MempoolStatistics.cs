namespace Dataplane.Memory;

/// <summary>What a mempool has done since it was made; read while lcores work, so not all of one instant.</summary>
/// <param name="Capacity">Buffers of the pool.</param>
/// <param name="Available">Buffers that are free, in the shared ring or in a lcore's cache.</param>
/// <param name="CacheGets">Buffers taken from a lcore's cache.</param>
/// <param name="CachePuts">Buffers freed into a lcore's cache.</param>
/// <param name="RingGets">Buffers that caches took from the shared ring.</param>
/// <param name="RingPuts">Buffers that caches gave to the shared ring.</param>
/// <param name="Failures">Requests that found too few buffers.</param>
public readonly record struct MempoolStatistics(
    int Capacity, int Available, ulong CacheGets, ulong CachePuts, ulong RingGets, ulong RingPuts, ulong Failures)
{
    /// <summary>Buffers that ports or the program hold.</summary>
    public int InUse => Capacity - Available;
}
