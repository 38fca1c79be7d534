using Dataplane.Linux;
using Dataplane.Memory;
using Dataplane.Virtio;

namespace Dataplane.Vdev.VirtioUser;

/// <summary>
/// What a queue has for its rings, one per session: memory for the larger layout, and the back end's doorbell. It is allocated
/// with the queue, because new memory is announced to the back end and the control thread cannot wait for itself.
/// </summary>
internal sealed class VirtioUserRingMemory : IDisposable
{
    private readonly DataplaneMemory _memory;
    private readonly MemoryZone _zone;

    /// <param name="memory">Where the ring goes.</param>
    /// <param name="name">Of the zone.</param>
    /// <param name="size">Descriptors.</param>
    /// <param name="sends">Whether it is a transmit queue's.</param>
    /// <exception cref="DataplaneException">There is not enough memory.</exception>
    public VirtioUserRingMemory(DataplaneMemory memory, string name, int size, bool sends)
    {
        _memory = memory;
        Size = size;
        int length = VirtqueueLayout.Split(size).Length + (sends ? size * TxRegion.Length : 0);
        _zone = memory.Allocate(name, (nuint)length);
        try
        {
            Kick = new EventFd(isShared: true);
        }
        catch
        {
            _zone.Dispose();
            throw;
        }
    }

    /// <summary>Descriptors.</summary>
    public int Size { get; }

    /// <summary>What the back end watches.</summary>
    public EventFd Kick { get; private set; }

    /// <summary>For a ring in this memory, which gets a doorbell of its own: the back end before may have kept a copy of the last.</summary>
    public VirtqueueOptions OptionsFor(VirtioFeatures features)
    {
        var next = new EventFd(isShared: true);
        Kick.Dispose();
        Kick = next;
        return new VirtqueueOptions
        {
            Memory = _memory,
            Name = _zone.Name,
            Zone = _zone,
            Size = Size,
            Features = features,
            UsesVirtualAddresses = true,
        };
    }

    public void Dispose()
    {
        _zone.Dispose();
        Kick.Dispose();
    }
}
