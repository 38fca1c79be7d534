using Dataplane.Testing.Programs;
using Versus.Machine;
using Versus.Probe;
using Versus.Programs;

namespace Versus.Transports;

/// <summary>The surroundings of a transport: where the program stands, and who stands at the other ends.</summary>
/// <param name="transport">What is compared over.</param>
/// <param name="directory">Where sockets are made.</param>
internal sealed class TestBed(Transport transport, string directory) : IDisposable
{
    /// <summary>Frames per direction that the peer keeps in flight: what a ring of net_af_packet holds by default (framecnt), and half of the others'.</summary>
    private const int PeerBursts = 16;

    /// <summary>
    /// Starts in vain until we give up. A net_memif of DPDK 22.11 that is the second zero-copy client of its process may announce a
    /// wrong file as its memory, and stays down then.
    /// </summary>
    private const int Attempts = 5;

    private readonly NetworkBed? _network = transport.Peer is Peering.Veth or Peering.Tap ? new NetworkBed() : null;

    /// <summary>Where the program under test runs.</summary>
    public Placement Device => new(Placement.DeviceCpu, _network?.DeviceSide);

    /// <summary>Where its peer runs.</summary>
    public Placement Peer => new(Placement.PeerCpu, transport.Peer == Peering.Tap ? _network?.DeviceSide : _network?.PeerSide);

    /// <summary>Whether the program's ports are kernel interfaces, at whose outer ends packet sockets can be opened.</summary>
    public bool HasInterfaces => _network is not null;

    /// <summary>The kernel interfaces at the outer ends of the program's ports.</summary>
    public (string First, string Second) Interfaces => transport.Peer == Peering.Tap ? ("tap0", "tap1") : ("gen0", "gen1");

    /// <summary>Starts a program, and testpmd at its outer ends, if it has any; packets flow when this returns.</summary>
    /// <param name="program">What to start.</param>
    /// <param name="frameLength">Bytes of a frame from outside.</param>
    public Traffic Start(IForwarder program, int frameLength)
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return TryStart(program, frameLength);
            }
            catch (ProgramException) when (attempt < Attempts)
            {
                Console.WriteLine($"{program.Name} and its peer over {transport.Name} did not find each other; once more");
            }
        }
    }

    /// <summary>Measures round trips through a program.</summary>
    /// <param name="program">Which; it is started for this.</param>
    /// <param name="framesPerSecond">Frames per second, at random times.</param>
    /// <param name="seconds">How long.</param>
    public ProbeResult MeasureLatency(IForwarder program, int framesPerSecond, int seconds)
    {
        if (!HasInterfaces)
        {
            RemoveSockets();
            (string, string) ports = (transport.PeerPorts[0], transport.PeerPorts[1]);
            return ProbeProcess.MeasureLatency(Peer, ports, () => program.Start(transport.Ports, Device), framesPerSecond, seconds);
        }

        using IRunningForwarder running = program.Start(transport.Ports, Device);
        return ProbeProcess.MeasureLatency(Peer, Interfaces, framesPerSecond, seconds);
    }

    public void Dispose() => _network?.Dispose();

    /// <summary>testpmd does not replace what a dead one left.</summary>
    private void RemoveSockets() => Array.ForEach(Directory.GetFiles(directory, "*.sock"), File.Delete);

    private Traffic TryStart(IForwarder program, int frameLength)
    {
        RemoveSockets();
        TestPmdProcess? peer = transport.Peer == Peering.Listens ? OpenPeer(frameLength) : null;
        IRunningForwarder? running = null;
        try
        {
            running = program.Start(transport.Ports, Device);
            if (transport.Peer != Peering.None)
                peer ??= OpenPeer(frameLength);
            peer?.ForwardToPeers(PeerBursts);
            return new Traffic(running, peer);
        }
        catch
        {
            running?.Dispose();
            peer?.Dispose();
            throw;
        }
    }

    /// <summary>The other side of a program's ports, which returns what it gets.</summary>
    private TestPmdProcess OpenPeer(int frameLength)
    {
        string[] interfaces = [Interfaces.First, Interfaces.Second];
        IEnumerable<string> ports = HasInterfaces ? interfaces.Select((name, i) => $"net_af_packet{i},iface={name},qdisc_bypass=1") : transport.PeerPorts;
        return new TestPmdProcess(Peer, "io", [.. ports], frameLength);
    }
}
