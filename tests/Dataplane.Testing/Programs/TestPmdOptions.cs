namespace Dataplane.Testing.Programs;

/// <summary>How testpmd is started.</summary>
/// <param name="Vdevs">Values of <c>--vdev</c>, two of them.</param>
public sealed record TestPmdOptions(params IReadOnlyList<string> Vdevs)
{
    /// <summary>The CPU that it has, prompt included; the last one unless told.</summary>
    public int Cpu { get; init; } = Environment.ProcessorCount - 1;

    /// <summary>Words in front of the command that put it somewhere, such as into a namespace.</summary>
    public IEnumerable<string> Prefix { get; init; } = [];

    /// <summary>Where its memory is from: by default from some 40 hugepages, in one file that peers can be given.</summary>
    public IReadOnlyList<string> Memory { get; init; } = ["--in-memory", "--single-file-segments"];

    /// <summary>
    /// What it does with packets: <c>io</c> sends them on as they are, <c>mac</c> with other addresses, <c>flowgen</c> sends
    /// its own and drops what comes.
    /// </summary>
    public string Mode { get; init; } = "io";

    /// <summary>Queues of each port in each direction.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Bursts of 32 packets that each port sends first.</summary>
    public int FirstBursts { get; init; }

    /// <summary>Buffers that all queues share; more than 8192 take more hugepages.</summary>
    public int Mbufs { get; init; } = 8192;

    /// <summary>Further options behind <c>--</c>.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>All words.</summary>
    public IEnumerable<string> CommandLine =>
    [
        .. Prefix,
        // Lines are flushed one by one: a pipe is read here. testpmd wants a second lcore for its prompt, which sleeps.
        "stdbuf", "-oL", "dpdk-testpmd", "--lcores", $"0@{Cpu},1@{Cpu}", "--no-pci", "--no-telemetry", .. Memory,
        .. Vdevs.SelectMany(vdev => (string[])["--vdev", vdev]),
        // Descriptors as l2fwd has them; nothing that arrives early is thrown away.
        "--", "-i", "--no-flush-rx", "--rxd=1024", "--txd=1024", $"--total-num-mbufs={Mbufs}", $"--rxq={Queues}", $"--txq={Queues}",
        $"--forward-mode={Mode}", .. Options,
    ];
}
