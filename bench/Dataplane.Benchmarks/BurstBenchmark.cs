using BenchmarkDotNet.Attributes;
using Dataplane.Eal;
using Dataplane.Lcores;
using Dataplane.Memory;
using Dataplane.Packets;
using Dataplane.Vdev;

namespace Dataplane.Benchmarks;

/// <summary>
/// What all benchmarks share: a runtime in ordinary memory, a mempool, a burst of packets, and the benchmark's thread as
/// a lcore, so that the mempool's cache is used. One operation is one burst of <see cref="Burst"/> packets.
/// </summary>
public abstract class BurstBenchmark : IDisposable
{
    internal const string ParameterName = nameof(Burst);

    private DataplaneRuntime? _runtime;
    private Mempool? _pool;
    private Packet[] _packets = [];

    /// <summary>Packets per operation; 32 is l2fwd's.</summary>
    [Params(1, 8, 32, 64)]
    public int Burst { get; set; }

    protected DataplaneRuntime Runtime => _runtime!;

    protected Mempool Pool => _pool!;

    /// <summary>Room for a burst; the benchmark decides whether packets are in it.</summary>
    protected Span<Packet> Packets => _packets;

    /// <summary>Made again for every case, on the thread that measures.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var options = new EalOptions { Vdevs = Vdevs, Memory = new MemoryOptions { NoHuge = true } };
        _runtime = DataplaneRuntime.Create(options, SoftwarePorts.All);
        _pool = _runtime.CreateMempool(new MempoolOptions { CacheSize = MempoolCacheSize });
        _packets = new Packet[Burst];
        LcoreContext.Enter(_runtime.Memory.Identity, 0);
        OnSetUp();
    }

    [GlobalCleanup]
    public void Dispose()
    {
        OnCleanUp();
        LcoreContext.Leave();
        _runtime?.Dispose();
        _runtime = null;
        GC.SuppressFinalize(this);
    }

    /// <summary>The ports of the runtime.</summary>
    protected virtual IReadOnlyList<string> Vdevs => [];

    /// <summary>Buffers that the lcore keeps for itself.</summary>
    protected virtual int MempoolCacheSize => 256;

    protected virtual void OnSetUp()
    {
    }

    protected virtual void OnCleanUp()
    {
    }

    /// <summary>Fills <see cref="Packets"/> with empty 64-byte frames.</summary>
    protected void FillPackets()
    {
        foreach (ref Packet packet in Packets)
        {
            if (!Pool.TryAllocate(out packet) || !packet.TryAppend(64, out Span<byte> frame))
                throw new InvalidOperationException("The mempool is too small for a burst");
            frame.Clear();
        }
    }
}
