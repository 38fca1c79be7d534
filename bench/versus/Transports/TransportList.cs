namespace Versus.Transports;

/// <summary>Everything that can be compared.</summary>
internal static class TransportList
{
    /// <summary>Packets that circulate per port, in bursts of 32; half of what a net_ring of DPDK holds.</summary>
    private const int LoopBursts = 16;

    /// <summary>The transports, from the program's own work to the kernel's.</summary>
    /// <param name="capture">A capture file to replay.</param>
    public static IReadOnlyList<Transport> All(string capture) =>
    [
        new("null", "buffers from the mempool and back", Peering.None, new PortPair("net_null0", "net_null1")),
        new("null-copy", "the same with a copy of 64 bytes on both sides", Peering.None, new PortPair("net_null0,copy=1", "net_null1,copy=1")),
        new("ring", $"{32 * LoopBursts} packets per port that go round in rings", Peering.None, Ring()),
        new("pcap", "a capture replayed from memory, then dropped", Peering.None, Replay(capture)),
        new("af_packet", "two veth pairs, testpmd at the other ends", Peering.Veth, AfPacket),
        new("af_xdp", "two veth pairs, a registration of memory per port, testpmd at the other ends", Peering.Veth, AfXdp("")),
        new("af_xdp-shared", "the same, one registration for both ports of ours (Debian's DPDK has none)", Peering.Veth, AfXdp(",shared_umem=1")),
        new("tap", "two tap interfaces, testpmd on them", Peering.Tap, Tap),
    ];

    /// <summary>The program's ends of the veth pairs of <see cref="Machine.NetworkBed"/>.</summary>
    public static PortPair AfPacket { get; } = new("net_af_packet0,iface=dut0", "net_af_packet1,iface=dut1");

    /// <summary>Two taps that the program makes.</summary>
    public static PortPair Tap { get; } = new("net_tap0,iface=tap0", "net_tap1,iface=tap1");

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
