using Dataplane.Ports;
using L2Fwd.Forwarding;

namespace L2Fwd.Statistics;

/// <summary>
/// Where statistics are read: the ports that run, the ways between them, and the lcores that forward.
/// </summary>
internal sealed class StatisticsSource
{
    private readonly RouteStatistics?[] _from;
    private readonly RouteStatistics?[] _to;

    /// <param name="ports">The ports, in ascending order of their ids.</param>
    /// <param name="lcores">
    /// The lcores that forward; each port receives on one route of theirs and sends on one at most.
    /// </param>
    public StatisticsSource(IReadOnlyList<Port> ports, IReadOnlyList<ForwardingLcore> lcores)
    {
        Route[] routes = [.. lcores.SelectMany(lcore => lcore.Routes)];
        Ports = ports;
        Lcores = lcores;
        _from = [.. ports.Select(port => routes.SingleOrDefault(route => route.Source == port)?.Statistics)];
        _to = [.. ports.Select(port => routes.SingleOrDefault(route => route.Destination == port)?.Statistics)];
    }

    /// <summary>The ports, in ascending order of their ids.</summary>
    public IReadOnlyList<Port> Ports { get; }

    /// <summary>The lcores that forward.</summary>
    public IReadOnlyList<ForwardingLcore> Lcores { get; }

    /// <summary>Reads what a port has counted.</summary>
    /// <param name="index">Its place in <see cref="Ports"/>.</param>
    public PortCounts ReadPort(int index) => new(
        _from[index]?.Received ?? 0, _to[index]?.Sent ?? 0, _to[index]?.Dropped ?? 0, Ports[index].GetStatistics());
}
