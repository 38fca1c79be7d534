using CommandLine;

namespace Versus;

/// <summary>What to compare, and how thoroughly. Without a choice everything is measured.</summary>
internal sealed class VersusOptions
{
    [Option("pairs", Default = 5, HelpText = "How often each program is measured, in turn.")]
    public int Pairs { get; init; } = 5;

    [Option("seconds", Default = 5, HelpText = "How long each time.")]
    public int Seconds { get; init; } = 5;

    [Option("transport", Separator = ',', HelpText = "Only these transports: " +
        "null, null-copy, ring, pcap, af_packet, tap, memif, memif-zero-copy, vhost, vhost-packed, virtio-user, virtio-user-packed, af_xdp, af_xdp-shared.")]
    public IEnumerable<string> Transports { get; init; } = [];

    [Option("size", Separator = ',', Default = new[] { 64, 1518 }, HelpText = "Bytes per frame over the transports from memif on.")]
    public IEnumerable<int> Sizes { get; init; } = [64, 1518];

    [Option("against", Separator = ',', Default = new[] { "testpmd", "dpdk-l2fwd" }, HelpText = "What to compare with: testpmd, dpdk-l2fwd.")]
    public IEnumerable<string> Against { get; init; } = ["testpmd", "dpdk-l2fwd"];

    [Option("throughput", HelpText = "Measure packets per second.")]
    public bool Throughput { get; init; }

    [Option("latency", HelpText = "Measure round trips at low load.")]
    public bool Latency { get; init; }

    [Option("startup", HelpText = "Measure packets per 100 ms from the start of l2fwd.")]
    public bool Startup { get; init; }

    [Option("steady", HelpText = "Count bytes allocated and collections of l2fwd in a minute.")]
    public bool Steady { get; init; }

    [Option("rate", Default = 5000, HelpText = "Frames per second when latency is measured over af_packet.")]
    public int Rate { get; init; } = 5000;

    [Option("smoke", HelpText = "Only see that it works: one second of null, ring, memif, vhost and virtio-user against testpmd.")]
    public bool Smoke { get; init; }

    [Option("save", HelpText = "Write what was measured into docs/performance.md too.")]
    public bool Save { get; init; }

    [Option("l2fwd", HelpText = "A published l2fwd to measure, instead of publishing it now.")]
    public string? L2Fwd { get; init; }

    /// <summary>Whether nothing was chosen, which means everything.</summary>
    public bool All => !(Throughput || Latency || Startup || Steady);
}
