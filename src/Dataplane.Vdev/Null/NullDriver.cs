using Dataplane.Ports;

namespace Dataplane.Vdev.Null;

/// <summary>
/// <c>net_null</c>: a port that receives as fast as it is polled and throws away what is sent. It measures everything
/// but a device.
/// </summary>
public sealed class NullDriver : IVdevDriver
{
    /// <inheritdoc/>
    public string Name => "net_null";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("size", "bytes of each received packet (64)"),
        new("copy", "1: copy the bytes of each packet in and out (0)"),
        new("no-rx", "1: receive nothing (0)"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments) => new NullPort(context, new NullOptions(
        Size: arguments.GetInt32("size", 64, 1, ushort.MaxValue),
        Copy: arguments.GetBoolean("copy"),
        NoRx: arguments.GetBoolean("no-rx")));
}

/// <summary>The keys of a null device.</summary>
internal sealed record NullOptions(int Size, bool Copy, bool NoRx);
