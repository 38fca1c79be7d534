using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>
/// What a device that works in order (VIRTIO_F_IN_ORDER) has used: it may name the last buffer of a batch alone (virtio 1.2,
/// sections 2.7.9 and 2.8.9). Ids are given out and come back in the order of the ring then, so that those between the oldest and
/// the named one are the batch.
/// </summary>
internal struct InOrderBatch
{
    private uint _last;
    private uint _written;

    /// <summary>Whether buffers of a batch are still to be taken.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Starts with what the device has named.</summary>
    /// <param name="id">Its id; less than the size, and of a buffer in flight.</param>
    /// <param name="written">Bytes that the device says it wrote.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Begin(uint id, uint written)
    {
        _last = id;
        _written = written;
        IsOpen = true;
    }

    /// <summary>Takes a buffer of the batch.</summary>
    /// <param name="id">The oldest in flight.</param>
    /// <param name="token">Its token.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public UsedBuffer Take(uint id, nint token)
    {
        IsOpen = id != _last;
        return new UsedBuffer(token, IsOpen ? UsedBuffer.All : _written);
    }
}
