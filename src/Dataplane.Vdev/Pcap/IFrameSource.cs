namespace Dataplane.Vdev.Pcap;

/// <summary>
/// Where a receive queue gets frames from, a block at a time. Called by the queue's lcore; neither waits nor allocates.
/// </summary>
internal interface IFrameSource
{
    /// <summary>The next block; the one before is given back by that.</summary>
    /// <returns>Null if none is there yet, or none will ever be.</returns>
    FrameBlock? TakeNext();
}
