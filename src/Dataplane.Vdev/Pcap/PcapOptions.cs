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
        new("rx_iface", "interface to receive from, both what comes in and what goes out", Repeatable: true),
        new("rx_iface_in", "interface to receive from, only what comes in", Repeatable: true),
        new("tx_iface", "interface to send to; once per tx queue", Repeatable: true),
        new("iface", "interface to receive from and send to"),
        new("phy_mac", "1: the port has the MAC address of iface (0)"),
        new("infinite_rx", "1: receive the frames of rx_pcap over and over, from memory (0)"),
        new("eof", "1: the link goes down when all of rx_pcap is received (0)"),
        new("snaplen", "bytes of a frame that tx_pcap keeps (65535)"),
        new("precision", "us or ns: unit of the timestamps of tx_pcap (ns; ours)"),
        new("tx_wait", "ms that sending waits for a slow disk before it refuses packets (1000; ours)"),
    ];

    public IReadOnlyList<string> RxFiles { get; init; } = [];

    public IReadOnlyList<string> TxFiles { get; init; } = [];

    public IReadOnlyList<string> RxInterfaces { get; init; } = [];

    public IReadOnlyList<string> RxInterfacesInOnly { get; init; } = [];

    public IReadOnlyList<string> TxInterfaces { get; init; } = [];

    public string? Interface { get; init; }

    public bool UseMacOfInterface { get; init; }

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
            RxInterfaces = arguments.GetAll("rx_iface"),
            RxInterfacesInOnly = arguments.GetAll("rx_iface_in"),
            TxInterfaces = arguments.GetAll("tx_iface"),
            Interface = arguments.Get("iface"),
            UseMacOfInterface = arguments.GetBoolean("phy_mac"),
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
        int rxInterfaces = RxInterfaces.Count + RxInterfacesInOnly.Count;
        int rx = RxFiles.Count + rxInterfaces, tx = TxFiles.Count + TxInterfaces.Count;
        string? problem = this switch
        {
            { Interface: null } when rx + tx == 0 => "neither receives nor sends",
            { Interface: not null } when rx + tx != 0 =>
                "cannot have iface together with rx_... or tx_... keys: it is both",
            { RxFiles.Count: not 0 } when rxInterfaces != 0 =>
                "cannot have rx_pcap together with rx_iface or rx_iface_in",
            { TxFiles.Count: not 0, TxInterfaces.Count: not 0 } => "cannot have tx_pcap together with tx_iface",
            { UseMacOfInterface: true, Interface: null } => "has phy_mac=1 but no iface to have the MAC address of",
            { IsInfinite: true, RxFiles.Count: 0 } => "has infinite_rx=1 but no rx_pcap to receive",
            { SignalsEnd: true, RxFiles.Count: 0 } => "has eof=1 but no rx_pcap to receive",
            _ when Math.Max(rx, tx) > MaxQueues => $"has more than {MaxQueues} streams in a direction",
            _ => null,
        };
        if (problem is null)
            return;
        bool isEmpty = Interface is null && rx + tx == 0;
        string? remedy = isEmpty ? "give it rx_pcap=FILE, tx_pcap=FILE, iface=NAME, ..." : null;
        throw new CommandLineException($"The device '{device}' {problem}", remedy);
    }
}
