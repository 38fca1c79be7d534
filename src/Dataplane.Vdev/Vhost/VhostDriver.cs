using Dataplane.Ports;

namespace Dataplane.Vdev.Vhost;

/// <summary>
/// <c>net_vhost</c>: the back end of vhost-user. A virtual machine's virtio-net, or another process's virtio-user, is at the
/// other end of a socket and shares its memory.
/// </summary>
public sealed class VhostDriver : IVdevDriver
{
    /// <summary>Most pairs of queues; DPDK's VHOST_MAX_QUEUE_PAIRS.</summary>
    private const int MaxQueues = 128;

    /// <inheritdoc/>
    public string Name => "net_vhost";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("iface", "path of the socket"),
        new("queues", "most queues of each direction that the front end may use (1)"),
        new("client", "1: connect to the socket instead of listening on it (0)"),
        new("linear-buffer", "1: every received frame lies in one mbuf; longer ones are dropped (0)"),
        new("ext-buffer", "accepted; long frames are chained in any case (0)"),
        new("legacy-ol-flags", "accepted; of no meaning here (0)"),
        new("iommu-support", "only 0"),
        new("postcopy-support", "only 0"),
        new("tso", "only 0"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        if (arguments.Get("iface") is not { Length: > 0 } path)
        {
            throw new DataplaneException(
                $"The device '{arguments.Name}' has no iface", $"give it the path of the socket: {arguments.Name},iface=/run/dataplane/vhost0.sock");
        }

        RequireOff(arguments, "iommu-support", "there is no IOMMU between a front end and this port");
        RequireOff(arguments, "postcopy-support", "the memory of a front end must be there");
        RequireOff(arguments, "tso", "frames are not cut");
        _ = arguments.GetBoolean("ext-buffer");
        _ = arguments.GetBoolean("legacy-ol-flags");
        return VhostPort.Open(context, new VhostOptions(
            path,
            arguments.GetInt32("queues", 1, 1, MaxQueues),
            arguments.GetBoolean("client"),
            arguments.GetBoolean("linear-buffer")));
    }

    private static void RequireOff(Devargs arguments, string key, string reason)
    {
        if (arguments.GetBoolean(key))
            throw arguments.Invalid(key, "1", $"possible: {reason}; leave it out");
    }
}

/// <summary>The keys of a vhost device.</summary>
internal sealed record VhostOptions(string Path, int Queues, bool IsClient, bool IsLinear);
