using Dataplane.Eal;
using Dataplane.Ports;

namespace Dataplane.Vdev.Ring;

/// <summary>
/// <c>net_ring</c>: ports made of rings within the process. Alone, a port receives what it sends; with <c>peer</c> two
/// ports are the ends of a cable; with <c>nodeaction</c> several ports share the rings of a name, as DPDK has it.
/// </summary>
public sealed class RingDriver : IVdevDriver
{
    /// <summary>Most queues per direction; DPDK's RTE_PMD_RING_MAX_RX_RINGS.</summary>
    internal const int MaxQueues = 16;

    private const string NodeAction = "nodeaction";
    private const string Peer = "peer";

    /// <inheritdoc/>
    public string Name => "net_ring";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new(NodeAction, "NAME:NODE:CREATE makes rings of a name, NAME:NODE:ATTACH shares them"),
        new(Peer, "an earlier net_ring port to connect with, instead of a loop (ours)"),
        new("preload", "packets that each receive ring is filled up to at start, before any lcore runs (0; ours)"),
        new("size", "bytes of each preloaded packet (64; ours)"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        var preload = new RingPreload(
            arguments.GetInt32("preload", 0, 0, RingWire<SpscPacketRing>.Capacity), arguments.GetInt32("size", 64, 14, 2048));
        if (arguments.Has(NodeAction) && arguments.Has(Peer))
            throw new CommandLineException($"The device '{arguments.Name}' has both {NodeAction} and {Peer}", "give one of them: they name the rings to use");
        if (arguments.Get(NodeAction) is { } action)
            return CreateNode(context, arguments, action, preload);
        if (arguments.Get(Peer) is { } peer)
            return CreatePeer(context, arguments, peer, preload);
        var loop = new RingWire<SpscPacketRing>(SpscPacketRing.Create);
        return new RingPort<SpscPacketRing>(context, node: null, preload, loop, loop);
    }

    private static RingPort<SpscPacketRing> CreatePeer(PortContext context, Devargs arguments, string name, RingPreload preload)
    {
        if (context.Ports.FirstOrDefault(port => port.Name == name) is not RingPort<SpscPacketRing> { IsLoop: true } peer)
            throw arguments.Invalid(Peer, name, "the name of an earlier net_ring device that is still unconnected");
        RingWire<SpscPacketRing> there = peer.Inbound;
        var back = new RingWire<SpscPacketRing>(SpscPacketRing.Create);
        peer.ConnectTo(back);
        return new RingPort<SpscPacketRing>(context, node: null, preload, inbound: back, outbound: there);
    }

    private static RingPort<MpmcPacketRing> CreateNode(PortContext context, Devargs arguments, string action, RingPreload preload)
    {
        string[] parts = action.Split(':');
        if (parts.Length != 3 || parts[0].Length == 0 || !int.TryParse(parts[1], out _) || parts[2] is not ("CREATE" or "ATTACH"))
            throw arguments.Invalid(NodeAction, action, "of the form NAME:NODE:CREATE or NAME:NODE:ATTACH");
        string node = parts[0];
        RingPort<MpmcPacketRing>? owner = context.Ports.OfType<RingPort<MpmcPacketRing>>().FirstOrDefault(port => port.Node == node);
        bool attach = parts[2] == "ATTACH";
        if (attach && owner is null)
            throw arguments.Invalid(NodeAction, action, $"possible: no earlier net_ring device creates '{node}'");
        if (!attach && owner is not null)
            throw arguments.Invalid(NodeAction, action, $"possible: '{node}' is created by the device '{owner.Name}'");
        RingWire<MpmcPacketRing> shared = owner?.Inbound ?? new(MpmcPacketRing.Create);
        return new RingPort<MpmcPacketRing>(context, node, preload, shared, shared);
    }
}

/// <summary>What is put into the rings at start.</summary>
internal sealed record RingPreload(int Count, int Size);
