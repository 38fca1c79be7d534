using Dataplane.Memory;

namespace Dataplane.Virtio;

/// <summary>
/// Where the three areas of a virtqueue (virtio 1.2, section 2.6) lie in one piece of memory. Each starts on lines of its
/// own, which is more than sections 2.7 and 2.8.10.1 ask for: driver and device write different ones.
/// </summary>
/// <param name="Size">Descriptors.</param>
/// <param name="DriverOffset">Driver area: available ring, or driver event suppression. The descriptor area is at 0.</param>
/// <param name="DeviceOffset">Device area: used ring, or device event suppression.</param>
/// <param name="Length">Bytes of all.</param>
internal readonly record struct VirtqueueLayout(int Size, int DriverOffset, int DeviceOffset, int Length)
{
    /// <summary>Most descriptors of a queue, split or packed (section 2.6).</summary>
    public const int MaxSize = 1 << 15;

    /// <summary>A split queue; the size is a power of two.</summary>
    public static VirtqueueLayout Split(int size) => Of(
        size,
        descriptors: size * SplitDescriptor.Length,
        driver: AvailableRing.HeaderLength + (size * sizeof(ushort)) + sizeof(ushort),
        device: UsedRing.HeaderLength + (size * UsedElement.Length) + sizeof(ushort));

    /// <summary>A packed queue.</summary>
    public static VirtqueueLayout Packed(int size) => Of(
        size,
        descriptors: size * PackedDescriptor.Length,
        driver: EventSuppression.Length,
        device: EventSuppression.Length);

    private static VirtqueueLayout Of(int size, int descriptors, int driver, int device)
    {
        int driverOffset = AlignUp(descriptors);
        int deviceOffset = driverOffset + AlignUp(driver);
        return new VirtqueueLayout(size, driverOffset, deviceOffset, deviceOffset + AlignUp(device));
    }

    private static int AlignUp(int length) => (int)ByteSize.AlignUp((ulong)length, AlignedMemory.Alignment);
}

/// <summary>Where the device finds the areas of a virtqueue, as it addresses memory.</summary>
/// <param name="Descriptors">Descriptor area.</param>
/// <param name="Driver">Driver area.</param>
/// <param name="Device">Device area.</param>
internal readonly record struct VirtqueueAddresses(ulong Descriptors, ulong Driver, ulong Device);
