using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.Vhost;

/// <summary>What the back end offers.</summary>
internal static class VhostFeatures
{
    /// <summary>Of the device and its rings.</summary>
    public const VirtioFeatures Device =
        VirtioFeatures.NetCsum | VirtioFeatures.NetGuestCsum | VirtioFeatures.NetMtu | VirtioFeatures.NetMrgRxbuf
        | VirtioFeatures.NetMq | VirtioFeatures.AnyLayout | VirtioFeatures.RingIndirectDesc | VirtioFeatures.RingEventIdx
        | VirtioFeatures.UserProtocolFeatures | VirtioFeatures.Version1 | VirtioFeatures.RingPacked | VirtioFeatures.InOrder;

    /// <summary>
    /// Of the protocol. Configuration is answered and not offered: a QEMU that has its own, as it has of network devices, warns
    /// of back ends that offer it, by an error that older versions do not have then (warn_reportf_err).
    /// </summary>
    public const VhostUserProtocolFeatures Protocol =
        VhostUserProtocolFeatures.Mq | VhostUserProtocolFeatures.ReplyAck | VhostUserProtocolFeatures.NetMtu
        | VhostUserProtocolFeatures.ConfigureMemSlots | VhostUserProtocolFeatures.Status
        | VhostUserProtocolFeatures.InflightShmfd;
}
