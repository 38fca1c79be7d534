using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>
/// Writes down which buffers of a ring the device keeps, in memory that outlives its process (vhost-user, "Inflight I/O
/// tracking"), so that the next device can give them back.
/// </summary>
/// <remarks>
/// <para>
/// Only buffers that are kept beyond a burst are written down, when the driver has been shown all that went back before
/// them. A buffer that is taken and given back within a burst needs nothing: a device that dies in between has used
/// nothing, and the next one finds the buffer where the used ring ends. Nor does a device that always works in order.
/// </para>
/// <para>
/// At any moment this holds: the buffers written down, and then those that are available from where the ring stands, are
/// all that the driver waits for. The ring stands behind what was used by as many buffers as are written down.
/// </para>
/// <para>
/// The memory is the driver's: it is only written, but for <see cref="TryLoad"/>, which reads it once and believes
/// nothing. Barriers: none. Who reads is a process that starts when ours is dead, and a CPU that is interrupted has done
/// all stores before that place and none behind it. Stores through Volatile keep the compiler to the order as well.
/// </para>
/// </remarks>
internal abstract unsafe class InflightLog
{
    /// <summary>The version of the layouts.</summary>
    protected const ushort CurrentVersion = 1;

    /// <summary>Queues of a region start at multiples of it, in the region of any back end that there is.</summary>
    private const int Alignment = 64;

    private readonly uint[] _batch;
    private int _batchLength;

    /// <param name="ring">The ring.</param>
    protected InflightLog(DeviceRingOptions ring)
    {
        Ring = ring;
        _batch = new uint[BitOperations.RoundUpToPowerOf2((uint)ring.Size)];
    }

    /// <summary>The ring.</summary>
    protected DeviceRingOptions Ring { get; }

    /// <summary>Counts buffers that were taken.</summary>
    protected ulong Counter { get; set; }

    /// <summary>What was added since the last call.</summary>
    protected ReadOnlySpan<uint> Batch => _batch.AsSpan(0, _batchLength);

    /// <summary>Bytes that a queue needs.</summary>
    public static int LengthOf(int entries, bool isPacked)
    {
        int length = isPacked
            ? PackedInflightHeader.Length + (entries * PackedInflightEntry.Length)
            : SplitInflightHeader.Length + (entries * SplitInflightEntry.Length);
        return (length + Alignment - 1) & -Alignment;
    }

    /// <summary>A log in memory for so many entries, at least those of the ring.</summary>
    public static InflightLog Create(nint memory, int entries, DeviceRingOptions ring) =>
        (ring.Features & VirtioFeatures.RingPacked) != 0
            ? new PackedInflightLog(memory, entries, ring)
            : new SplitInflightLog(memory, entries, ring);

    /// <summary>
    /// Gives back what a device before this one kept, as if it had been used, and starts anew. Before the ring is made.
    /// </summary>
    /// <param name="notify">Whether the driver wants to be notified.</param>
    /// <returns>Where the ring stands.</returns>
    /// <typeparam name="TRing">Of the ring.</typeparam>
    public uint Recover<TRing>(out bool notify)
        where TRing : struct, IDeviceRing<TRing>
    {
        uint position = Ring.Position;
        notify = false;
        if (TryLoad(out uint loaded, out uint[] kept))
        {
            TRing ring = TRing.Create(Ring with { Position = loaded });
            foreach (uint token in kept)
            {
                ring.Return(token, 0);
                Add(token);
            }

            notify = Publish(ref ring);
            position = ring.UsedPosition;
        }

        Clear(position);
        return position;
    }

    /// <summary>Forgets everything: the driver has all of its buffers.</summary>
    /// <param name="position">Where the ring stands.</param>
    public abstract void Clear(uint position);

    /// <summary>Adds a buffer that is to be kept, or that goes back.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(uint token) => _batch[_batchLength++] = token;

    /// <summary>Shows the driver all that goes back. Of it, exactly what was written down has been added.</summary>
    /// <returns>Whether the driver wants to be notified.</returns>
    /// <typeparam name="TRing">Of the ring.</typeparam>
    public bool Publish<TRing>(ref TRing ring)
        where TRing : struct, IDeviceRing<TRing>
    {
        uint used = ring.UsedPosition;
        BeforePublish(used);
        bool notify = ring.Publish();
        AfterPublish(used);
        _batchLength = 0;
        return notify;
    }

    /// <summary>Writes down that buffers are kept: those that were added, the last that were taken. Nothing is unpublished.</summary>
    /// <typeparam name="TRing">Of the ring.</typeparam>
    public void Keep<TRing>(ref TRing ring)
        where TRing : struct, IDeviceRing<TRing>
    {
        Keep(ring.Position, ring.UsedPosition);
        _batchLength = 0;
    }

    /// <summary>Reads what a device before this one has written down.</summary>
    /// <param name="position">Where its ring stood, without what it kept.</param>
    /// <param name="kept">Tokens of what it kept, in the order in which it was taken.</param>
    /// <returns>False if nothing was written down, or what cannot be.</returns>
    protected abstract bool TryLoad(out uint position, out uint[] kept);

    /// <summary>The batch is about to be shown to the driver; the ring will have used so much then.</summary>
    protected abstract void BeforePublish(uint used);

    /// <summary>The driver has been shown the batch.</summary>
    protected abstract void AfterPublish(uint used);

    /// <summary>Writes the batch down.</summary>
    protected abstract void Keep(uint position, uint used);
}
