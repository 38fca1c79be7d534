using BenchmarkDotNet.Attributes;
using Dataplane.Packets;

namespace Dataplane.Benchmarks;

/// <summary>Taking a burst of buffers and giving it back: by the lcore's cache, or by the ring that all lcores share.</summary>
public class MempoolBenchmarks : BurstBenchmark
{
    /// <summary>256 is the default, with which nearly all goes by the cache; 0 leaves only the shared ring.</summary>
    [Params(0, 256)]
    public int CacheSize { get; set; }

    /// <summary>As drivers do it.</summary>
    [Benchmark]
    public bool Raw()
    {
        bool got = Pool.TryAllocateRaw(Packets);
        Pool.FreeRaw(Packets);
        return got;
    }

    /// <summary>As programs free: packets may be chained, external or of several pools.</summary>
    [Benchmark]
    public bool FreeAnyPacket()
    {
        bool got = Pool.TryAllocateRaw(Packets);
        Packet.Free(Packets);
        return got;
    }

    protected override int MempoolCacheSize => CacheSize;
}
