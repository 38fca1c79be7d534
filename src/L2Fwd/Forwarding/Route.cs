using Dataplane.Ports;

namespace L2Fwd.Forwarding;

/// <summary>The way from the port that a packet comes in at to the port that it leaves by.</summary>
internal sealed record Route
{
    /// <param name="source">Where packets are received.</param>
    /// <param name="destination">Where they are sent.</param>
    /// <param name="updateMac">Whether the Ethernet addresses are rewritten.</param>
    public Route(Port source, Port destination, bool updateMac)
    {
        Source = source;
        Destination = destination;
        Rx = source.RxQueues[0];
        Tx = destination.TxQueues[0];
        Rewrite = updateMac ? new MacRewrite(destination) : null;
    }

    /// <summary>Where packets are received.</summary>
    public Port Source { get; }

    /// <summary>Where they are sent.</summary>
    public Port Destination { get; }

    /// <summary>The source's receive queue.</summary>
    public RxQueue Rx { get; }

    /// <summary>The destination's transmit queue; null once the port is gone, and packets are dropped.</summary>
    public TxQueue? Tx { get; init; }

    /// <summary>The new Ethernet addresses; null if frames pass as they are.</summary>
    public MacRewrite? Rewrite { get; }

    /// <summary>What passed.</summary>
    public RouteStatistics Statistics { get; } = new();
}
