using System.Runtime.CompilerServices;

namespace Dataplane.Virtio;

/// <summary>
/// Order between driver and device. A software device is another CPU: acquire, release and a full fence of the CPUs'
/// domain. A device that offers VIRTIO_F_ORDER_PLATFORM (virtio 1.2, section 6.1) may be hardware and gets what DMA needs
/// in addition; see <see cref="IoBarrier"/>.
/// </summary>
/// <param name="isHardware">Whether VIRTIO_F_ORDER_PLATFORM was negotiated.</param>
internal readonly struct RingBarriers(bool isHardware)
{
    /// <summary>Reads what the other side publishes; everything after it is read later.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort Acquire(ref ushort location)
    {
        ushort value = Volatile.Read(ref location);
        if (isHardware)
            IoBarrier.Load();
        return value;
    }

    /// <inheritdoc cref="Acquire(ref ushort)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Acquire(ref ulong location)
    {
        ulong value = Volatile.Read(ref location);
        if (isHardware)
            IoBarrier.Load();
        return value;
    }

    /// <summary>Publishes; everything before it is seen earlier.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release(ref ushort location, ushort value)
    {
        if (isHardware)
            IoBarrier.Store();
        Volatile.Write(ref location, value);
    }

    /// <inheritdoc cref="Release(ref ushort, ushort)"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Release(ref ulong location, ulong value)
    {
        if (isHardware)
            IoBarrier.Store();
        Volatile.Write(ref location, value);
    }

    /// <summary>Everything before it is seen before anything after it is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Full()
    {
        if (isHardware)
            IoBarrier.Full();
        else
            Interlocked.MemoryBarrier();
    }
}
