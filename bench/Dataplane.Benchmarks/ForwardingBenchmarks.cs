using BenchmarkDotNet.Attributes;
using Dataplane.Ports;
using L2Fwd.Forwarding;

namespace Dataplane.Benchmarks;

/// <summary>One whole burst through l2fwd: received, addresses rewritten, sent, counted.</summary>
public class ForwardingBenchmarks : BurstBenchmark
{
    private Route? _route;

    /// <summary>
    /// <c>null</c>: buffers from the mempool and back to it, no data touched but the addresses; <c>copy</c>: with a
    /// 64-byte copy on both sides; <c>ring</c>: 512 packets that go round in the ring of one port.
    /// </summary>
    [Params("null", "copy", "ring")]
    public string Transport { get; set; } = "null";

    [Benchmark]
    public int ReceiveRewriteSend() => ForwardingLoop.Forward(_route!, Packets);

    protected override IReadOnlyList<string> Vdevs => Transport switch
    {
        "null" => ["net_null0"],
        "copy" => ["net_null0,copy=1"],
        _ => ["net_ring0,preload=512"],
    };

    protected override void OnSetUp()
    {
        Port port = Runtime.Ports[0];
        port.Configure(new PortConfiguration(Pool));
        port.Start();
        _route = new Route(port, port, updateMac: true);
    }
}
