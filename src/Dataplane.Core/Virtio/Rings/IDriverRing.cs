using Dataplane.Memory;

namespace Dataplane.Virtio;

/// <summary>
/// The driver's half of a virtqueue: it makes buffers available and takes back what the device used. Queues are generic
/// over it as a struct, so that split and packed rings share one fast path without a call. One thread.
/// </summary>
/// <remarks>
/// A buffer has a token, a number of the caller that is not zero. Tokens lie in memory that the device does not see; what
/// the device says is only ever used to find one, so a wrong id, a second use and a wrong index do no harm: they are
/// counted.
/// </remarks>
/// <typeparam name="TSelf">The ring itself.</typeparam>
internal unsafe interface IDriverRing<TSelf>
    where TSelf : struct, IDriverRing<TSelf>
{
    /// <summary>Where the areas of such a ring lie.</summary>
    static abstract VirtqueueLayout Layout(int size);

    /// <summary>An empty ring without interrupts, in memory that a device does not use yet.</summary>
    static abstract TSelf Create(byte* memory, VirtqueueLayout layout, DriverSlots slots, VirtioFeatures features);

    /// <summary>Descriptors that are free.</summary>
    int Free { get; }

    /// <summary>Buffers that the device has.</summary>
    int InFlight { get; }

    /// <summary>Identifies the next buffer that is added: less than the size, and of no other buffer in flight.</summary>
    ushort NextId { get; }

    /// <summary>What a notification says with VIRTIO_F_NOTIFICATION_DATA: where the ring stands (section 2.9).</summary>
    ushort Position { get; }

    /// <summary>Adds a buffer of one descriptor; one must be free.</summary>
    /// <param name="token">What <see cref="TakeUsed"/> says it is.</param>
    /// <param name="address">Where the device finds it.</param>
    /// <param name="length">Bytes.</param>
    /// <param name="flags"><see cref="DescriptorFlags.Write"/> or none.</param>
    void Add(nint token, ulong address, uint length, DescriptorFlags flags);

    /// <summary>Adds a buffer of several pieces, readable ones first; as many descriptors must be free.</summary>
    void AddChain(nint token, ReadOnlySpan<BufferPiece> readable, ReadOnlySpan<BufferPiece> writable);

    /// <summary>Adds a buffer of several pieces that the device reads, by one descriptor, which must be free.</summary>
    /// <param name="token">What <see cref="TakeUsed"/> says it is.</param>
    /// <param name="table">Room for as many descriptors, untouched until the buffer was used.</param>
    /// <param name="tableAddress">Where the device finds the table.</param>
    /// <param name="pieces">The pieces.</param>
    void AddIndirect(nint token, byte* table, ulong tableAddress, ReadOnlySpan<BufferPiece> pieces);

    /// <summary>Lets the device see all that was added.</summary>
    /// <returns>Whether it wants to be notified.</returns>
    bool Publish();

    /// <summary>Takes back what the device used, in its order.</summary>
    /// <param name="into">Where it goes.</param>
    /// <param name="most">Room there.</param>
    /// <param name="violations">Counts what the device said that cannot be.</param>
    /// <returns>How many.</returns>
    int TakeUsed(UsedBuffer* into, int most, ref ulong violations);

    /// <summary>Asks for an interrupt at the next used buffer.</summary>
    /// <returns>False if there is one already.</returns>
    bool TryRequestInterrupt();

    /// <summary>Asks for silence.</summary>
    void SuppressInterrupts();
}

/// <summary>A piece of a buffer.</summary>
/// <param name="Address">Where the device finds it.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct BufferPiece(ulong Address, uint Length);

/// <summary>A buffer that came back.</summary>
/// <param name="Token">Of whoever added it.</param>
/// <param name="Written">Bytes that the device says it wrote; any number, or <see cref="All"/>.</param>
internal readonly record struct UsedBuffer(nint Token, uint Written)
{
    /// <summary>A device that works in order has said nothing of this buffer, but used a later one: it used all of it.</summary>
    public const uint All = uint.MaxValue;
}
