using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>What a running ring of a guest is made of.</summary>
/// <param name="Ring">The ring.</param>
/// <param name="Call">What the guest is notified by; null if it polls.</param>
/// <param name="Trouble">Signalled when the guest breaks a rule.</param>
internal sealed record VhostRingOptions(DeviceRingOptions Ring, EventFd? Call, EventFd Trouble)
{
    private const VirtioFeatures LongHeader = VirtioFeatures.Version1 | VirtioFeatures.NetMrgRxbuf;

    /// <summary>Bytes of the header in front of each frame: a guest of before version 1 leaves the last field out (virtio 1.2, section 5.1.6.1).</summary>
    public int HeaderLength => (Ring.Features & LongHeader) != 0 ? VirtioNetHeader.Length : VirtioNetHeader.Length - sizeof(ushort);

    /// <summary>Where is written down what is kept of the ring; null if the front end does not want to know.</summary>
    public InflightLog? Log { get; init; }

    public bool Has(VirtioFeatures feature) => (Ring.Features & feature) != 0;
}

/// <summary>Of a ring that the port receives from.</summary>
/// <param name="PortId">Of the port.</param>
/// <param name="Pool">Where mbufs come from.</param>
/// <param name="StripsVlan">Whether tags go into the mbuf.</param>
/// <param name="IsLinear">Whether every frame is to lie in one mbuf; those that do not fit are dropped then.</param>
/// <param name="Interrupt">What the lcore sleeps on; null if it polls, or must because the guest does not kick.</param>
internal sealed record VhostReceiverOptions(int PortId, Mempool Pool, bool StripsVlan, bool IsLinear, EventFd? Interrupt);
