namespace Versus.Transports;

/// <summary>Everything that can be compared.</summary>
internal static class TransportList
{
    /// <summary>Packets that circulate per port, in bursts of 32; half of what a net_ring of DPDK holds.</summary>
    private const int LoopBursts = 16;

    /// <summary>The transports, from the program's own work to the kernel's.</summary>
    /// <param name="capture">A capture file to replay.</param>
    /// <param name="directory">Where sockets are made.</param>
    public static IReadOnlyList<Transport> All(string capture, string directory) =>
    [
        new("null", "buffers from the mempool and back", Peering.None, new PortPair("net_null0", "net_null1")) { Target = 1.5 },
        new("null-copy", "the same with a copy of 64 bytes on both sides", Peering.None, new PortPair("net_null0,copy=1", "net_null1,copy=1"))
        {
            Target = 1.5,
        },
        new("ring", $"{32 * LoopBursts} packets per port that go round in rings", Peering.None, Ring()) { Target = 1.5 },
        new("pcap", "a capture replayed from memory, then dropped", Peering.None, Replay(capture)),
        new("af_packet", "two veth pairs, testpmd at the other ends", Peering.Veth, AfPacket),
        new("tap", "two tap interfaces, testpmd on them", Peering.Tap, Tap),
        .. BetweenProcesses(directory),
    ];

    /// <summary>The program's ends of the veth pairs of <see cref="Machine.NetworkBed"/>.</summary>
    public static PortPair AfPacket { get; } = new("net_af_packet0,iface=dut0", "net_af_packet1,iface=dut1");

    /// <summary>Two taps that the program makes.</summary>
    public static PortPair Tap { get; } = new("net_tap0,iface=tap0", "net_tap1,iface=tap1");

    /// <remarks>
    /// The peer returns what it gets, after it has put frames into the loop: all that it does is to receive and to send. A
    /// generator would drop what it gets and make new frames, so it is slower, and more often than not the peer is what limits a
    /// pair of these. For the same reason the peer of a memif server works zero-copy: the server copies either way.
    /// </remarks>
    private static IEnumerable<Transport> BetweenProcesses(string directory)
    {
        string memif = $"net_memif#,id=#,socket={directory}/memif.sock,socket-abstract=no";
        string vhost = $"net_vhost#,iface={directory}/vhost#.sock,queues=1";
        string virtioUser = $"net_virtio_user#,path={directory}/vhost#.sock,queues=1,queue_size=1024";
        return
        [
            Pair("memif", "server of two interfaces", $"{memif},role=server", $"{memif},role=client,zero-copy=yes", Peering.Connects, 1.5),
            Pair("memif-zero-copy", "client of two interfaces, on its own buffers", $"{memif},role=client,zero-copy=yes", $"{memif},role=server", Peering.Listens, 1.0),
            Pair("vhost", "back end of two devices with split rings", vhost, virtioUser, Peering.Connects, 1.5),
            Pair("vhost-packed", "back end of two devices with packed rings", vhost, $"{virtioUser},packed_vq=1", Peering.Connects, 1.5),
            Pair("virtio-user", "front end of two devices with split rings", virtioUser, vhost, Peering.Listens, 1.0),
            Pair("virtio-user-packed", "front end of two devices with packed rings", $"{virtioUser},packed_vq=1", vhost, Peering.Listens, 1.0),
            new("af_xdp", "two veth pairs, a registration of memory per port", Peering.Veth, AfXdp(""))
            {
                Target = 1.1, IsBetweenProcesses = true,
            },
            new("af_xdp-shared", "the same, one registration for both ports of ours (Debian's DPDK has none)", Peering.Veth, AfXdp(",shared_umem=1"))
            {
                Target = 1.2, IsBetweenProcesses = true,
            },
        ];
    }

    /// <param name="name">The transport's.</param>
    /// <param name="what">What the program is.</param>
    /// <param name="port">A port of the program; <c>#</c> stands for its number.</param>
    /// <param name="counterpart">The peer's port of the same number.</param>
    /// <param name="peer">Which side makes the sockets.</param>
    /// <param name="target">The least ratio that we want.</param>
    private static Transport Pair(string name, string what, string port, string counterpart, Peering peer, double target) =>
        new(name, what, peer, new PortPair(Numbered(port, 0), Numbered(port, 1)))
        {
            PeerPorts = [Numbered(counterpart, 0), Numbered(counterpart, 1)],
            Target = target,
            IsBetweenProcesses = true,
        };

    private static string Numbered(string port, int number) => port.Replace("#", $"{number}");

    private static PortPair AfXdp(string keys)
    {
        string[] ports = ["net_af_xdp0,iface=dut0", "net_af_xdp1,iface=dut1"];
        return new PortPair(ports, [.. ports.Select(port => port + keys)]);
    }

    private static PortPair Ring()
    {
        string preload = $"preload={32 * LoopBursts}";
        return new PortPair(["net_ring0", "net_ring1"], [$"net_ring0,{preload}", $"net_ring1,{preload}"], LoopBursts);
    }

    private static PortPair Replay(string capture) =>
        new($"net_pcap0,rx_pcap={capture},infinite_rx=1", $"net_pcap1,rx_pcap={capture},infinite_rx=1");
}
