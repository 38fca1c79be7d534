using Dataplane.Ports;

namespace L2Fwd.Forwarding;

/// <summary>The way from the port that a packet comes in at to the port that it leaves by.</summary>
/// <param name="source">Where packets are received.</param>
/// <param name="destination">Where they are sent.</param>
/// <param name="updateMac">Whether the Ethernet addresses are rewritten.</param>
internal sealed class Route(Port source, Port destination, bool updateMac)
{
    /// <summary>Where packets are received.</summary>
    public Port Source => source;

    /// <summary>Where they are sent.</summary>
    public Port Destination => destination;

    /// <summary>The source's receive queue.</summary>
    public RxQueue Rx { get; } = source.RxQueues[0];

    /// <summary>The destination's transmit queue.</summary>
    public TxQueue Tx { get; } = destination.TxQueues[0];

    /// <summary>The new Ethernet addresses; null if frames pass as they are.</summary>
    public MacRewrite? Rewrite { get; } = updateMac ? new MacRewrite(destination) : null;

    /// <summary>What passed.</summary>
    public RouteStatistics Statistics { get; } = new();
}
