using Dataplane.Ports;
using Dataplane.Vdev.VhostUser;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>What the front end accepts of what a back end offers.</summary>
internal static class VirtioUserFeatures
{
    /// <summary>
    /// Always. There is no event index: back ends that poll never want to be told, and those that sleep clear a flag; and an
    /// index would be written and read for every burst.
    /// </summary>
    private const VirtioFeatures Always =
        VirtioFeatures.Version1 | VirtioFeatures.RingIndirectDesc | VirtioFeatures.UserProtocolFeatures
        | VirtioFeatures.OrderPlatform;

    /// <summary>Of the protocol.</summary>
    public const VhostUserProtocolFeatures Protocol =
        VhostUserProtocolFeatures.Mq | VhostUserProtocolFeatures.ReplyAck | VhostUserProtocolFeatures.ConfigureMemSlots
        | VhostUserProtocolFeatures.Status;

    /// <summary>Of the device and its rings.</summary>
    public static VirtioFeatures For(VirtioUserOptions options, PortOffloads offloads, int pairs) =>
        Always
        | If(options.IsMergeable, VirtioFeatures.NetMrgRxbuf)
        | If(options.IsInOrder, VirtioFeatures.InOrder)
        | If(options.IsPacked, VirtioFeatures.RingPacked)
        | If(pairs > 1, VirtioFeatures.NetMq)
        | If((offloads & PortOffloads.RxL4Checksum) != 0, VirtioFeatures.NetGuestCsum);

    private static VirtioFeatures If(bool condition, VirtioFeatures feature) => condition ? feature : VirtioFeatures.None;
}
