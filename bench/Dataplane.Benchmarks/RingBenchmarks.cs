using BenchmarkDotNet.Attributes;
using Dataplane.Packets;
using Dataplane.Rings;

namespace Dataplane.Benchmarks;

/// <summary>A burst into a ring and out again on one core: the ring's own cost, without traffic between cores.</summary>
public class RingBenchmarks : BurstBenchmark
{
    private const int Capacity = 1024;

    private readonly SpscRing<Packet> _spsc = new(Capacity);
    private readonly MpmcRing<Packet> _mpmc = new(Capacity);

    [Benchmark]
    public int SpscBurst() => _spsc.EnqueueBurst(Packets) + _spsc.DequeueBurst(Packets);

    [Benchmark]
    public bool SpscBulk() => _spsc.TryEnqueueBulk(Packets) && _spsc.TryDequeueBulk(Packets);

    [Benchmark]
    public int MpmcBurst() => _mpmc.EnqueueBurst(Packets) + _mpmc.DequeueBurst(Packets);

    [Benchmark]
    public bool MpmcBulk() => _mpmc.TryEnqueueBulk(Packets) && _mpmc.TryDequeueBulk(Packets);

    protected override void OnSetUp() => FillPackets();

    protected override void OnCleanUp()
    {
        Packet.Free(Packets);
        _spsc.Dispose();
        _mpmc.Dispose();
    }
}
