using Versus.Machine;
using Versus.Programs;

namespace Versus.Transports;

/// <summary>The surroundings of a transport: where the program stands, and who stands at the other ends.</summary>
internal sealed class TestBed : IDisposable
{
    /// <summary>Frames per direction that the peer keeps in flight: what a ring of net_af_packet holds by default (framecnt).</summary>
    private const int PeerBursts = 16;

    private readonly Transport _transport;
    private readonly NetworkBed? _network;

    public TestBed(Transport transport)
    {
        _transport = transport;
        _network = transport.Peer == Peering.None ? null : new NetworkBed();
        Device = new Placement(Placement.DeviceCpu, _network?.DeviceSide);
        Peer = new Placement(Placement.PeerCpu, transport.Peer == Peering.Tap ? _network?.DeviceSide : _network?.PeerSide);
    }

    /// <summary>Where the program under test runs.</summary>
    public Placement Device { get; }

    /// <summary>Where its peer runs.</summary>
    public Placement Peer { get; }

    /// <summary>Whether there is an outside.</summary>
    public bool HasPeer => _network is not null;

    /// <summary>The kernel interfaces at the outer ends of the program's ports.</summary>
    public (string First, string Second) Interfaces => _transport.Peer == Peering.Tap ? ("tap0", "tap1") : ("gen0", "gen1");

    /// <summary>Starts testpmd at the outer ends, if there are any; packets flow when this returns.</summary>
    public TestPmdProcess? StartPeer() =>
        HasPeer ? TestPmdForwarder.StartPeer([Interfaces.First, Interfaces.Second], Peer, PeerBursts) : null;

    public void Dispose() => _network?.Dispose();
}
