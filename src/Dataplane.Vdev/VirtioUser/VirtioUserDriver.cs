using System.Numerics;
using Dataplane.Packets;
using Dataplane.Ports;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>
/// <c>net_virtio_user</c>: the front end of vhost-user. A switch (OVS-DPDK, VPP), or another process's net_vhost, is at the
/// other end of a socket and moves packets in and out of this process's memory.
/// </summary>
public sealed class VirtioUserDriver : IVdevDriver
{
    /// <summary>Most pairs of queues; a ring's number has eight bits in messages.</summary>
    private const int MaxQueues = 128;

    /// <summary>Least descriptors of a ring; for a packet in a chain.</summary>
    internal const int LeastDescriptors = 8;

    /// <inheritdoc/>
    public string Name => "net_virtio_user";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("path", "path of the back end's socket"),
        new("mac", "MAC address of the port (random)"),
        new("queues", "most queues of each direction (1)"),
        new("queue_size", "descriptors of a ring, a power of two (256)"),
        new("server", "1: listen on the socket instead of connecting to it (0)"),
        new("mrg_rxbuf", "1: received frames may span several buffers (1)"),
        new("in_order", "1: use buffers in order if the back end can (1)"),
        new("packed_vq", "1: packed rings if the back end has them (0)"),
        new("speed", "link speed to report, in Mbit/s (unknown)"),
        new("cq", "accepted; several queues need no control queue here (0)"),
        new("vectorized", "accepted; there is one path (0)"),
        new("iface", "refused; of the kernel's vhost-net only"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        _ = arguments.GetBoolean("cq");
        _ = arguments.GetBoolean("vectorized");
        return VirtioUserPort.Open(context, new VirtioUserOptions
        {
            Path = PathOf(arguments),
            MacAddress = arguments.GetMacAddress("mac") ?? MacAddress.CreateRandom(),
            Queues = arguments.GetInt32("queues", 1, 1, MaxQueues),
            QueueSize = QueueSizeOf(arguments),
            IsServer = arguments.GetBoolean("server"),
            IsMergeable = arguments.GetBoolean("mrg_rxbuf", defaultValue: true),
            IsInOrder = arguments.GetBoolean("in_order", defaultValue: true),
            IsPacked = arguments.GetBoolean("packed_vq"),
            Speed = arguments.Has("speed") ? (uint)arguments.GetInt32("speed", 0, 0, int.MaxValue) : LinkStatus.UnknownSpeed,
        });
    }

    private static string PathOf(Devargs arguments)
    {
        if (arguments.Get("path") is not { Length: > 0 } path)
        {
            throw new DataplaneException(
                $"The device '{arguments.Name}' has no path",
                $"give it the path of the socket: {arguments.Name},path=/run/dataplane/vhost0.sock");
        }

        if (arguments.Has("iface") || path.StartsWith("/dev/vhost", StringComparison.Ordinal))
        {
            throw new DataplaneException(
                $"The device '{arguments.Name}' cannot use the kernel's vhost-net, which '{(arguments.Has("iface") ? "iface" : "path")}' asks for: it speaks vhost-user, over a socket",
                "use net_tap or net_af_packet to reach the kernel");
        }

        return path;
    }

    private static int QueueSizeOf(Devargs arguments)
    {
        int size = arguments.GetInt32("queue_size", 256, LeastDescriptors, VirtqueueLayout.MaxSize);
        return BitOperations.IsPow2(size)
            ? size : throw arguments.Invalid("queue_size", arguments.Get("queue_size")!, "a power of two");
    }
}

/// <summary>The keys of a virtio-user device.</summary>
internal sealed record VirtioUserOptions
{
    public required string Path { get; init; }

    public required MacAddress MacAddress { get; init; }

    public required int Queues { get; init; }

    public required int QueueSize { get; init; }

    public required bool IsServer { get; init; }

    public required bool IsMergeable { get; init; }

    public required bool IsInOrder { get; init; }

    public required bool IsPacked { get; init; }

    public required uint Speed { get; init; }
}
