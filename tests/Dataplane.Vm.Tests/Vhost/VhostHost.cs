using Dataplane.Testing;
using Dataplane.Testing.Programs;
using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Vhost;

/// <summary>
/// This machine's end of a guest's two NICs: the published l2fwd in a namespace, with a net_vhost port for each NIC. It
/// forwards the first one's frames to a tap interface, and the other one's over a veth pair to a namespace of their own.
/// </summary>
internal sealed class VhostHost : IDisposable
{
    private const int Ports = 4;
    private const string Tap = "tap0";
    private const string Near = "near0";
    private const string Far = "far0";

    /// <summary>Room for the longest frame that a page-sized MTU does not have.</summary>
    private const int Mtu = 9000;

    private readonly TemporaryFolder _folder = new();
    private readonly NetworkNamespace _near;
    private readonly NetworkNamespace _far;
    private ConsoleProcess? _l2fwd;

    public VhostHost()
    {
        _near = NetworkNamespace.Create();
        _far = NetworkNamespace.Create();
        VethPair.Connect(_near, Near, _far, Far, Mtu);
        Nics =
        [
            new VhostLink(new VhostNic(0, _folder["split.sock"]) { Queues = 2 }, _near, "10.80.0.1", "10.80.0.2", Mtu),
            new VhostLink(
                new VhostNic(1, _folder["packed.sock"]) { IsPacked = true, QemuListens = true }, _far, "10.80.1.1", "10.80.1.2", Mtu),
        ];
        _far.AddAddress(Far, $"{Nics[1].HostAddress}/24");
    }

    /// <summary>The NICs, by split rings of two queues and by packed ones.</summary>
    public IReadOnlyList<VhostLink> Nics { get; }

    /// <summary>What l2fwd has said since its last start.</summary>
    public string Output => _l2fwd?.Output ?? "";

    /// <summary>Starts l2fwd, after an end that it does not see coming if it runs.</summary>
    public void StartL2Fwd()
    {
        _l2fwd?.Dispose();
        // The guest has other use for the CPU than that nothing is polled on it.
        _l2fwd = ConsoleProcess.Start(
            "ip", "netns", "exec", _near.Name, "nice", GuestTools.L2Fwd, "-l", "0", "--no-huge", "--no-pci",
            $"--vdev=net_vhost0,iface={Nics[0].Nic.Socket},queues={Nics[0].Nic.Queues}",
            $"--vdev=net_vhost1,iface={Nics[1].Nic.Socket},client=1",
            // The guest remembers the address for half a minute, also when the interface is made anew.
            $"--vdev=net_tap0,iface={Tap},mac=fixed", $"--vdev=net_af_packet0,iface={Near}",
            "--", "-p", "f", "-q", $"{Ports}", "-P", "-T", "0", "--no-mac-updating", "--portmap=(0,2)(1,3)");
        _l2fwd.WaitFor(0, Ports, line => line.Contains(", MAC address: ", StringComparison.Ordinal));
        _near.Ip("link", "set", Tap, "mtu", $"{Mtu}");
        _near.AddAddress(Tap, $"{Nics[0].HostAddress}/24");
    }

    /// <summary>Asks l2fwd to end.</summary>
    /// <returns>Its exit code.</returns>
    public int StopL2Fwd() => _l2fwd!.Interrupt();

    public void Dispose()
    {
        _l2fwd?.Dispose();
        _near.Dispose();
        _far.Dispose();
        _folder.Dispose();
    }
}
