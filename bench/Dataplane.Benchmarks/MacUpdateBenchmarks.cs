using BenchmarkDotNet.Attributes;
using Dataplane.Packets;
using L2Fwd.Forwarding;

namespace Dataplane.Benchmarks;

/// <summary>l2fwd's rewriting of both Ethernet addresses of each frame.</summary>
public class MacUpdateBenchmarks : BurstBenchmark
{
    private MacRewrite? _rewrite;

    [Benchmark]
    public void Rewrite() => _rewrite!.Apply(Packets);

    protected override IReadOnlyList<string> Vdevs => ["net_null0"];

    protected override void OnSetUp()
    {
        _rewrite = new MacRewrite(Runtime.Ports[0]);
        FillPackets();
    }

    protected override void OnCleanUp() => Packet.Free(Packets);
}
