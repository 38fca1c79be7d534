using System.Globalization;
using Dataplane.Interop.Tests.Rig;
using Dataplane.Testing;
using Dataplane.Testing.Programs;

namespace Dataplane.Interop.Tests.Mixed;

/// <summary>
/// Our l2fwd with a port of each kind, and here the port at the other end of each: a frame sent into one must come out of
/// that to which l2fwd forwards.
/// </summary>
internal sealed class MixedPorts : IDisposable
{
    private const string Xdp = "xdp0", XdpPeer = "xdp1", Packet = "pkt0", PacketPeer = "pkt1", Tap = "tap0";

    /// <summary>An MTU with which the longest frame has as many bytes: the Ethernet header is not counted.</summary>
    private const int ShortMtu = 1504, LongMtu = 9004;

    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace _network = NetworkNamespace.Create();
    private readonly ConsoleProcess _l2fwd;
    private readonly OwnPorts _ours;

    /// <summary>The kinds of ports; the place of each is its number in l2fwd, and that of the other end here.</summary>
    public static IReadOnlyList<MixedPort> Kinds { get; } =
    [
        new("net_memif0,role=server,id=0,socket=DIR/server.sock,socket-abstract=no",
            "net_memif0,role=client,id=0,socket=DIR/server.sock,socket-abstract=no"),
        new("net_memif1,role=client,id=1,socket=DIR/client.sock,socket-abstract=no,zero-copy=yes",
            "net_memif1,role=server,id=1,socket=DIR/client.sock,socket-abstract=no"),
        new("net_memif2,role=client,id=2,socket=DIR/client.sock,socket-abstract=no",
            "net_memif2,role=server,id=2,socket=DIR/client.sock,socket-abstract=no"),
        new("net_vhost0,iface=DIR/vhost.sock", "net_virtio_user0,path=DIR/vhost.sock"),
        new("net_virtio_user1,path=DIR/virtio.sock,server=1,packed_vq=1", "net_vhost1,iface=DIR/virtio.sock,client=1"),
        new($"net_af_xdp0,iface={Xdp}", $"net_af_packet0,iface={XdpPeer}") { LongestFrame = 1518 },
        new($"net_af_packet0,iface={Packet}", $"net_af_packet1,iface={PacketPeer}"),
        new($"net_tap0,iface={Tap}", $"net_af_packet2,iface={Tap}"),
    ];

    /// <param name="pairs">Numbers of kinds that l2fwd forwards between; a kind with itself sends back.</param>
    /// <param name="throughRings">Whether each pair has a pair of connected net_ring ports between.</param>
    public MixedPorts(IReadOnlyList<(int First, int Second)> pairs, bool throughRings)
    {
        VethPair.Connect(_network, Xdp, _network, XdpPeer, ShortMtu);
        VethPair.Connect(_network, Packet, _network, PacketPeer, LongMtu);
        List<string> devices = [.. Kinds.Select(kind => kind.Device)];
        List<(int First, int Second)> ways = [.. pairs];
        if (throughRings)
        {
            ways.Clear();
            foreach ((int first, int second) in pairs)
            {
                int ring = devices.Count;
                devices.AddRange([$"net_ring{ring}", $"net_ring{ring + 1},peer=net_ring{ring}"]);
                ways.AddRange([(first, ring), (ring + 1, second)]);
            }
        }

        try
        {
            _l2fwd = ConsoleProcess.Start(
            [
                "ip", "netns", "exec", _network.Name, OurL2Fwd.Path, "--lcores", throughRings ? "0@0,1@0" : "0@0", "--no-huge", "--no-pci",
                .. In(devices).SelectMany(device => (string[])["--vdev", device]),
                "--", "-p", ((1L << devices.Count) - 1).ToString("x", CultureInfo.InvariantCulture), "-q", $"{Kinds.Count}", "--stats=json", "--stats-interval=100",
                "--no-mac-updating", "--portmap=" + string.Concat(ways.Select(way => $"({way.First},{way.Second})")),
            ]);
            _l2fwd.WaitFor(0, devices.Count, line => line.Contains(", MAC address: ", StringComparison.Ordinal));
            _network.Ip("link", "set", Tap, "mtu", $"{LongMtu}");
            _ours = _network.Invoke(() => OwnPorts.Start([.. In(Kinds.Select(kind => kind.Peer))], queues: 1));
            _ours.WaitForLinks();
            _l2fwd.WaitFor(0, 1, line => line.StartsWith('{') && !line.Contains("\"down\"", StringComparison.Ordinal));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Sends frames of several lengths into a port, which must come out of another.</summary>
    public void Check(int from, int to)
    {
        int longest = Math.Min(Kinds[from].LongestFrame, Kinds[to].LongestFrame);
        FrameExchange.Run(_ours, from, to, queues: 1, [.. MixedPort.Lengths.Where(length => length <= longest)]);
    }

    /// <summary>Ends l2fwd, which must not have seen anything go wrong.</summary>
    public void End()
    {
        Assert.DoesNotContain("the connection ends", _l2fwd.Output, StringComparison.Ordinal);
        Assert.Equal(0, _l2fwd.Interrupt());
    }

    public void Dispose()
    {
        if (_ours is not null)
            _network.Invoke(_ours.Dispose);
        _l2fwd?.Dispose();
        _network.Dispose();
        _folder.Dispose();
    }

    private IEnumerable<string> In(IEnumerable<string> devices) => devices.Select(device => device.Replace("DIR", _folder.FullName));
}
