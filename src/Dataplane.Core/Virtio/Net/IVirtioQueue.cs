namespace Dataplane.Virtio;

/// <summary>A queue of frames of a virtio network device, as its port handles it: memory that the device is shown, and its life.</summary>
internal interface IVirtioQueue : IDisposable
{
    /// <summary>Where the device finds the ring.</summary>
    VirtqueueAddresses Addresses { get; }

    /// <summary>Descriptors.</summary>
    int Size { get; }

    /// <summary>How often the device broke the rules of the ring; each counts as an error, too. Any thread.</summary>
    ulong Violations { get; }

    /// <summary>Makes the ring anew, one to receive with buffers. Before the device uses it; nobody is notified.</summary>
    /// <exception cref="DataplaneException">The mempool is too small.</exception>
    void Start();

    /// <summary>Notifies the device, behind its start, although it did not ask for it, which does no harm. Any thread.</summary>
    void Kick();

    /// <summary>Gives all packets and buffers back. The device has been stopped.</summary>
    void Stop();
}
