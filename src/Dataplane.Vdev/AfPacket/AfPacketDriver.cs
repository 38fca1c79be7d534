using Dataplane.Eal;
using Dataplane.Linux;
using Dataplane.Ports;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// <c>net_af_packet</c>: a port on a network interface of the kernel, through packet sockets with mapped rings. It
/// works with any interface, in any pod that may open packet sockets (CAP_NET_RAW).
/// </summary>
public sealed class AfPacketDriver : IVdevDriver
{
    /// <summary>Most queue pairs; DPDK's RTE_PMD_AF_PACKET_MAX_RINGS.</summary>
    private const int MaxQueuePairs = 16;

    private static readonly Dictionary<string, int> s_fanoutModes = new(StringComparer.Ordinal)
    {
        ["hash"] = PacketSocket.PACKET_FANOUT_HASH,
        ["lb"] = PacketSocket.PACKET_FANOUT_LB,
        ["cpu"] = PacketSocket.PACKET_FANOUT_CPU,
        ["rollover"] = PacketSocket.PACKET_FANOUT_ROLLOVER,
        ["rnd"] = PacketSocket.PACKET_FANOUT_RND,
        ["qm"] = PacketSocket.PACKET_FANOUT_QM,
    };

    /// <inheritdoc/>
    public string Name => "net_af_packet";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("iface", "the network interface (required)"),
        new("qpairs", "most receive and transmit queues (1)"),
        new("blocksz", "bytes of a block of the rings, a multiple of the page size (the page size)"),
        new("framesz", "bytes of a frame of the rings with its header, a multiple of 16 (2048)"),
        new("framecnt", "frames of each ring (512)"),
        new("qdisc_bypass", "1: send around the interface's queueing discipline (0)"),
        new("fanout_mode", "how frames are spread over the queues: hash, lb, cpu, rollover, rnd, qm (hash)"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        string iface = arguments.Get("iface")
            ?? throw new CommandLineException(
                $"The device '{arguments.Name}' needs a network interface",
                $"write --vdev={arguments.Name},iface=eth0");
        string fanout = arguments.Get("fanout_mode") ?? "hash";
        if (!s_fanoutModes.TryGetValue(fanout, out int fanoutMode))
            throw arguments.Invalid("fanout_mode", fanout, $"one of {string.Join(", ", s_fanoutModes.Keys)}");
        return AfPacketPort.Open(context, new AfPacketOptions(
            iface,
            arguments.GetInt32("qpairs", 1, 1, MaxQueuePairs),
            arguments.GetBoolean("qdisc_bypass"),
            fanoutMode,
            RingSize.Read(arguments)));
    }
}

/// <summary>The keys of an af_packet device, and whether what the host sends through it is received, too.</summary>
internal sealed record AfPacketOptions(
    string Interface, int QueuePairs, bool QdiscBypass, int FanoutMode, RingSize Ring, bool ReceivesOutgoing = false);
