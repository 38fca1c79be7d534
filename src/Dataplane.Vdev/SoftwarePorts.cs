using Dataplane.Ports;
using Dataplane.Vdev.AfPacket;
using Dataplane.Vdev.AfXdp;
using Dataplane.Vdev.Memif;
using Dataplane.Vdev.Null;
using Dataplane.Vdev.Pcap;
using Dataplane.Vdev.Ring;
using Dataplane.Vdev.Tap;
using Dataplane.Vdev.Vhost;
using Dataplane.Vdev.VirtioUser;

namespace Dataplane.Vdev;

/// <summary>The drivers of this package.</summary>
public static class SoftwarePorts
{
    /// <summary>Every driver of this package, for <see cref="DataplaneRuntime.Create(Eal.EalOptions, IEnumerable{IPortSource}, Microsoft.Extensions.Logging.ILoggerFactory?)"/>.</summary>
    public static IReadOnlyList<IVdevDriver> All { get; } =
    [
        new NullDriver(),
        new RingDriver(),
        new PcapDriver(),
        new TapDriver(),
        new AfPacketDriver(),
        new AfXdpDriver(),
        new MemifDriver(),
        new VhostDriver(),
        new VirtioUserDriver(),
    ];
}
