namespace Dataplane.Virtio;

/// <summary>How a device is told that buffers are available: a doorbell, an eventfd. A queue is generic over it as a struct.</summary>
internal interface IVirtqueueNotifier
{
    /// <summary>Tells it.</summary>
    /// <param name="position">
    /// Where the ring stands, for VIRTIO_F_NOTIFICATION_DATA (virtio 1.2, section 2.9): the available index of a split ring,
    /// offset and wrap counter of a packed one.
    /// </param>
    void Notify(ushort position);
}
