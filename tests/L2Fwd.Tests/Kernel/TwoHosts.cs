using Dataplane.Testing;
using L2Fwd.Tests.Processes;

namespace L2Fwd.Tests.Kernel;

/// <summary>Two hosts, each in a namespace of its own, with the built l2fwd in a third one between them.</summary>
internal sealed class TwoHosts : IDisposable
{
    public const string LeftAddress = "10.1.0.1";
    public const string RightAddress = "10.1.0.2";

    /// <summary>What l2fwd writes into the destination when it updates MAC addresses: 02:00:00:00:00:PORT.</summary>
    private const string LeftMac = "02:00:00:00:00:00";
    private const string RightMac = "02:00:00:00:00:01";

    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace _middle = NetworkNamespace.Create();
    private L2FwdProcess? _l2fwd;

    public NetworkNamespace Left { get; } = NetworkNamespace.Create();

    public NetworkNamespace Right { get; } = NetworkNamespace.Create();

    public L2FwdProcess L2Fwd => _l2fwd ?? throw new InvalidOperationException("l2fwd is not started");

    /// <summary>The hosts' interfaces are <c>eth0</c>; l2fwd has the other ends of their cables.</summary>
    public static async Task<TwoHosts> OverAfPacketAsync(string options)
    {
        TwoHosts hosts = Connect();
        KeepOrder(hosts._middle, "left", "right");
        await hosts.StartAsync("--vdev net_af_packet0,iface=left --vdev net_af_packet1,iface=right", options);
        return hosts;
    }

    /// <inheritdoc cref="OverAfPacketAsync"/>
    public static async Task<TwoHosts> OverAfXdpAsync(string options)
    {
        TwoHosts hosts = Connect();
        await hosts.StartOverAfXdpAsync(options);
        return hosts;
    }

    /// <summary>l2fwd makes the interfaces, which are then given to the hosts.</summary>
    public static async Task<TwoHosts> OverTapAsync(string options)
    {
        var hosts = new TwoHosts();
        await hosts.StartAsync("--vdev net_tap0,iface=left --vdev net_tap1,iface=right", options);
        hosts._middle.Ip("link", "set", "left", "netns", hosts.Left.Name, "name", "eth0");
        hosts._middle.Ip("link", "set", "right", "netns", hosts.Right.Name, "name", "eth0");
        hosts.Configure();
        return hosts;
    }

    /// <summary>Captures what a host sends (<c>out</c>) or receives (<c>in</c>).</summary>
    public FrameCapture Capture(NetworkNamespace host, string direction) =>
        FrameCapture.Start(host, "eth0", direction, _folder[$"{host.Name}-{direction}.pcap"]);

    /// <summary>Starts l2fwd again, in the place of one that has ended, on the same interfaces.</summary>
    public async Task StartOverAfXdpAsync(string options)
    {
        _l2fwd?.Dispose();
        await StartAsync("--vdev net_af_xdp0,iface=left,shared_umem=1 --vdev net_af_xdp1,iface=right,shared_umem=1", options);
    }

    /// <summary>What the kernel says of the interfaces of l2fwd.</summary>
    public string DescribeInterfaces() => _middle.Ip("-d", "link", "show");

    /// <summary>The MAC address of l2fwd's port, which its start-up lines tell.</summary>
    public string MacOfPort(int port) =>
        L2Fwd.Output.Split($"Port {port}, MAC address: ")[1].Split('\n')[0];

    public void Dispose()
    {
        _l2fwd?.Dispose();
        Left.Dispose();
        Right.Dispose();
        _middle.Dispose();
        _folder.Dispose();
    }

    /// <summary>
    /// A veth delivers on the CPU that sends, and a connection that sends now from this and then from that one overtakes
    /// itself. Receive packet steering (Documentation/networking/scaling.rst) gives all frames to one CPU.
    /// </summary>
    private static void KeepOrder(NetworkNamespace network, params string[] interfaces)
    {
        foreach (string iface in interfaces)
            network.Run("sh", "-c", $"echo 1 > /sys/class/net/{iface}/queues/rx-0/rps_cpus");
    }

    private static TwoHosts Connect()
    {
        var hosts = new TwoHosts();
        VethPair.Connect(hosts.Left, "eth0", hosts._middle, "left", mtu: 1500);
        VethPair.Connect(hosts.Right, "eth0", hosts._middle, "right", mtu: 1500);
        hosts.Configure();
        return hosts;
    }

    private async Task StartAsync(string vdevs, string options)
    {
        _l2fwd = L2FwdProcess.StartCommand(
            "ip", "netns", "exec", _middle.Name, "sh", "-c",
            $"exec {L2FwdProcess.Path} -l 0 --no-pci --no-huge {vdevs} -- -p 3 -q 2 -T 1 -P {options}");
        await _l2fwd.WaitForOutputAsync("Total packets dropped");
    }

    private void Configure()
    {
        foreach ((NetworkNamespace host, string address, string mac) in
            new[] { (Left, LeftAddress, LeftMac), (Right, RightAddress, RightMac) })
        {
            // Frames as they are on a wire: cut to the MTU, with checksums. Then both captures must be the same.
            host.Run("ethtool", "-K", "eth0", "tx", "off", "gso", "off", "gro", "off", "tso", "off");
            host.Ip("link", "set", "eth0", "down");
            host.Ip("link", "set", "eth0", "address", mac);
            host.Ip("link", "set", "eth0", "up");
            host.AddAddress("eth0", $"{address}/24");
            // A window of some 40 frames, which fit into every queue on the way: none is lost on a busy machine.
            host.Run("sysctl", "-qw", "net.ipv4.tcp_rmem=4096 65536 65536");
        }
    }
}
