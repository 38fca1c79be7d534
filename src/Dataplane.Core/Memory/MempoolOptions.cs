using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Memory;

/// <summary>How many buffers of which size a mempool has.</summary>
public sealed record MempoolOptions
{
    /// <summary>Name in statistics and messages.</summary>
    public string Name { get; init; } = "mbuf_pool";

    /// <summary>Buffers.</summary>
    public int Count { get; init; } = 8192;

    /// <summary>
    /// Buffers that a lcore keeps for itself, at most <see cref="MaxCacheSize"/>; 0 for none. It may come to half as many
    /// more, and no other lcore can have them: plan <see cref="Count"/> for it.
    /// </summary>
    public int CacheSize { get; init; } = 256;

    /// <summary>Bytes of data that fit behind the headroom of <see cref="Mbuf.DefaultHeadroom"/> bytes.</summary>
    public int DataRoom { get; init; } = Mbuf.DefaultDataRoom;

    /// <summary>NUMA node of the memory; -1 for any.</summary>
    public int NumaNode { get; init; } = -1;

    /// <summary>Most that <see cref="CacheSize"/> may be; DPDK's RTE_MEMPOOL_CACHE_MAX_SIZE.</summary>
    public const int MaxCacheSize = 512;

    /// <summary>
    /// Enough buffers for full queues of every port (one per direction, of the default depth), a burst on its way at each,
    /// and full caches of every lcore; as many as DPDK's l2fwd makes.
    /// </summary>
    public static MempoolOptions ForPorts(int ports, int lcores)
    {
        const int Burst = 32, Least = 8192;
        var options = new MempoolOptions();
        int perPort = (2 * PortConfiguration.DefaultDescriptors) + Burst + (lcores * options.CacheSize);
        return options with { Count = Math.Max(ports * perPort, Least) };
    }
}
