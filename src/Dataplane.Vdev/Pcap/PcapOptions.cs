using Dataplane.Eal;
using Dataplane.Ports;
using Dataplane.Vdev.Pcap.Capture;

namespace Dataplane.Vdev.Pcap;

/// <summary>The keys of a <c>net_pcap</c> device, checked against each other.</summary>
internal sealed record PcapOptions
{
    /// <summary>Most queues per direction; DPDK's RTE_PMD_PCAP_MAX_QUEUES.</summary>
    public const int MaxQueues = 16;

    /// <summary>As DPDK's driver is built: no frame is longer.</summary>
    private const int DefaultSnapLength = 65535;

    public static IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("rx_pcap", "capture file to receive from, pcap or pcapng; once per rx queue", Repeatable: true),
        new("tx_pcap", "capture file to send to, overwritten; once per tx queue", Repeatable: true),
        new("infinite_rx", "1: receive the frames of rx_pcap over and over, from memory (0)"),
        new("eof", "1: the link goes down when all of rx_pcap is received (0)"),
        new("snaplen", "bytes of a frame that tx_pcap keeps (65535)"),
        new("precision", "us or ns: unit of the timestamps of tx_pcap (ns; ours)"),
        new("tx_wait", "ms that sending waits for a slow disk before it refuses packets (1000; ours)"),
    ];

    public IReadOnlyList<string> RxFiles { get; init; } = [];

    public IReadOnlyList<string> TxFiles { get; init; } = [];

    public bool IsInfinite { get; init; }

    public bool SignalsEnd { get; init; }

    public required CaptureSinkOptions Sink { get; init; }

    /// <exception cref="CommandLineException">A value is wrong, or keys exclude each other.</exception>
    public static PcapOptions Parse(Devargs arguments)
    {
        var options = new PcapOptions
        {
            RxFiles = arguments.GetAll("rx_pcap"),
            TxFiles = arguments.GetAll("tx_pcap"),
            IsInfinite = arguments.GetBoolean("infinite_rx"),
            SignalsEnd = arguments.GetBoolean("eof"),
            Sink = new CaptureSinkOptions(
                arguments.Get("precision") switch
                {
                    null or "ns" => TimestampUnit.Nanoseconds,
                    "us" => TimestampUnit.Microseconds,
                    string other => throw arguments.Invalid("precision", other, "us or ns"),
                },
                arguments.GetInt32("snaplen", DefaultSnapLength, 1, CaptureFormats.MaxFrameLength),
                TimeSpan.FromMilliseconds(arguments.GetInt32("tx_wait", 1000, 0, 3_600_000))),
        };
        options.Check(arguments.Name);
        return options;
    }

    /// <summary>Sees to it that no file is overwritten that this or another device reads or writes.</summary>
    /// <exception cref="CommandLineException">It would.</exception>
    public void CheckFiles(string device, IEnumerable<PcapOptions> others)
    {
        PcapOptions[] all = [this, .. others];
        var written = new HashSet<string>(StringComparer.Ordinal);
        HashSet<string> read = [.. all.SelectMany(options => options.RxFiles).Select(Path.GetFullPath)];
        foreach (string path in all.SelectMany(options => options.TxFiles).Select(Path.GetFullPath))
        {
            // /dev/null may be written by many.
            if (!path.StartsWith("/dev/", StringComparison.Ordinal) && (read.Contains(path) || !written.Add(path)))
            {
                throw new CommandLineException(
                    $"The device '{device}' cannot have tx_pcap={path}: the file is given more than once",
                    "give each tx_pcap a file of its own");
            }
        }
    }

    private void Check(string device)
    {
        if (RxFiles.Count + TxFiles.Count == 0)
        {
            throw new CommandLineException(
                $"The device '{device}' neither receives nor sends", "give it rx_pcap=FILE, tx_pcap=FILE, ...");
        }

        if ((IsInfinite || SignalsEnd) && RxFiles.Count == 0)
        {
            throw new CommandLineException(
                $"The device '{device}' has {(IsInfinite ? "infinite_rx" : "eof")}=1 but no rx_pcap to receive");
        }

        if (Math.Max(RxFiles.Count, TxFiles.Count) > MaxQueues)
            throw new CommandLineException($"The device '{device}' has more than {MaxQueues} streams in a direction");
    }
}
