namespace Versus.Machine;

/// <summary>
/// A namespace for the program under test and one for its peer, connected by two veth pairs: dut0-gen0 and dut1-gen1.
/// No address, no IPv6: only what the programs send is on the wires.
/// </summary>
internal sealed class NetworkBed : IDisposable
{
    /// <summary>Frames of 1518 bytes, without FCS and behind their header of 14.</summary>
    private const int Mtu = 1504;

    private readonly string _suffix = Environment.ProcessId.ToString();

    public NetworkBed()
    {
        try
        {
            foreach (string space in (string[])[DeviceSide, PeerSide])
            {
                Command.Run($"ip netns add {space}");
                Command.Run($"ip netns exec {space} sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
            }

            for (int i = 0; i < 2; i++)
            {
                Command.Run($"ip link add dut{i} mtu {Mtu} netns {DeviceSide} type veth peer name gen{i} mtu {Mtu} netns {PeerSide}");
                Command.Run($"ip -n {DeviceSide} link set dut{i} up");
                Command.Run($"ip -n {PeerSide} link set gen{i} up");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The namespace of the program under test.</summary>
    public string DeviceSide => $"versus-dut{_suffix}";

    /// <summary>The namespace of its peer.</summary>
    public string PeerSide => $"versus-gen{_suffix}";

    public void Dispose()
    {
        // The veth pairs and taps go with their namespaces.
        foreach (string space in (string[])[DeviceSide, PeerSide])
            Command.TryRun($"ip netns del {space}", out _);
    }
}
