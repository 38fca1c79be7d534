using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Virtio;

/// <summary>
/// The device's half of a virtqueue: it takes the buffers that a driver makes available and gives them back used. Queues
/// are generic over it as a struct, so that split and packed rings share one fast path without a call. One thread.
/// </summary>
/// <remarks>
/// Nothing that the driver writes is trusted, and it may write at any moment: each field is read once, and checked before
/// it is used; addresses are looked up in its memory table; no chain is followed for longer than the ring is. Whatever
/// cannot be is a <see cref="Violation"/>, after which nothing is taken any more.
/// </remarks>
/// <typeparam name="TSelf">The ring itself.</typeparam>
internal unsafe interface IDeviceRing<TSelf>
    where TSelf : struct, IDeviceRing<TSelf>
{
    /// <summary>Goes on with a ring where it stands, without notifications of the driver.</summary>
    static abstract TSelf Create(DeviceRingOptions options);

    /// <summary>Where the ring stands, as vhost-user has it in the base of a ring. Every buffer has been given back.</summary>
    uint Position { get; }

    /// <summary>Where the next used buffer goes: an index of the used ring, or a place in a packed ring with its wrap counter.</summary>
    uint UsedPosition { get; }

    /// <summary>What the driver did wrong.</summary>
    RingViolation Violation { get; }

    /// <summary>Takes buffers that are available, in the driver's order.</summary>
    /// <param name="into">Where they go. One of several pieces is the last: see <see cref="DeviceRingOptions.Pieces"/>.</param>
    /// <param name="most">Room there.</param>
    /// <param name="direction"><see cref="DescriptorFlags.Write"/> if the device writes the buffers, none if it reads them.</param>
    /// <returns>How many.</returns>
    int Take(DeviceBuffer* into, int most, DescriptorFlags direction);

    /// <summary>Takes back that buffers were taken, the last ones: they will be the next again.</summary>
    void Untake(DeviceBuffer* buffers, int count);

    /// <summary>Gives a buffer back; the driver sees it after <see cref="Publish"/>.</summary>
    /// <param name="token">Of <see cref="DeviceBuffer.Token"/>.</param>
    /// <param name="written">Bytes of it that were written.</param>
    void Return(uint token, uint written);

    /// <summary>Lets the driver see all that was given back.</summary>
    /// <returns>Whether it wants to be notified.</returns>
    bool Publish();

    /// <summary>Asks for a notification at the next buffer.</summary>
    /// <returns>False if there is one already.</returns>
    bool TryRequestNotification();

    /// <summary>Asks for silence.</summary>
    void SuppressNotifications();
}

/// <summary>What a ring is made of; all of it stays where it is as long as the ring is used.</summary>
internal sealed unsafe record DeviceRingOptions
{
    /// <summary>Descriptor area, mapped for all descriptors and aligned to 16 bytes.</summary>
    public required nint Descriptors { get; init; }

    /// <summary>Driver area: available ring or driver event suppression, mapped in full and aligned to 4 bytes.</summary>
    public required nint Driver { get; init; }

    /// <summary>Device area: used ring or device event suppression, mapped in full and aligned to 4 bytes.</summary>
    public required nint Device { get; init; }

    /// <summary>Descriptors; of a split ring a power of two.</summary>
    public required int Size { get; init; }

    /// <summary>What was negotiated.</summary>
    public required VirtioFeatures Features { get; init; }

    /// <summary>Where the ring stands.</summary>
    public required uint Position { get; init; }

    /// <summary>Whether it is written down which buffers are in flight: each goes back by a descriptor of its own then, also in order.</summary>
    public bool IsLogged { get; init; }

    /// <summary>The driver's memory.</summary>
    public required GuestMemoryTable Memory { get; init; }

    /// <summary>Room for <see cref="DeviceBuffer.MaxPieces"/>: gets those of the last buffer taken, if it has several.</summary>
    public required nint Pieces { get; init; }
}

/// <summary>A buffer of the driver that the device has.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal unsafe struct DeviceBuffer
{
    /// <summary>Most pieces of a buffer: what system calls take, and other devices (UIO_MAXIOV, VIRTQUEUE_MAX_SIZE of QEMU).</summary>
    public const int MaxPieces = 1024;

    /// <summary>Of a buffer of one piece: where it is.</summary>
    [FieldOffset(0)] public byte* Data;

    /// <summary>Of a buffer of one piece: its bytes.</summary>
    [FieldOffset(8)] public uint Length;

    /// <summary>By which it is given back: its id in the lower 16 bits, which is less than 2^15.</summary>
    [FieldOffset(12)] public uint Token;

    /// <summary>Pieces.</summary>
    [FieldOffset(16)] public int PieceCount;

    /// <summary>Makes it one of one piece, store by store: a struct assigned as a whole would be put together elsewhere first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetOne(DeviceBuffer* buffer, byte* data, uint length, uint token)
    {
        buffer->Data = data;
        buffer->Length = length;
        buffer->Token = token;
        buffer->PieceCount = 1;
    }
}

/// <summary>A piece of a buffer of the driver, where it is mapped.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
internal unsafe struct DevicePiece
{
    public const int Size = 16;

    [FieldOffset(0)] public byte* Data;

    [FieldOffset(8)] public uint Length;
}
