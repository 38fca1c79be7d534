using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Virtio;

/// <summary>One of the structures that a virtio device has in its BARs (virtio 1.2, section 4.1.4).</summary>
/// <param name="Bar">The BAR.</param>
/// <param name="Offset">Where in it, in bytes.</param>
/// <param name="Length">Bytes.</param>
/// <param name="NotifyMultiplier">Notification structure: bytes per unit of queue_notify_off.</param>
internal readonly record struct VirtioPciStructure(int Bar, int Offset, int Length, uint NotifyMultiplier)
{
    /// <summary>VIRTIO_PCI_CAP_COMMON_CFG.</summary>
    public const byte Common = 1;

    /// <summary>VIRTIO_PCI_CAP_NOTIFY_CFG.</summary>
    public const byte Notify = 2;

    /// <summary>VIRTIO_PCI_CAP_ISR_CFG.</summary>
    public const byte Isr = 3;

    /// <summary>VIRTIO_PCI_CAP_DEVICE_CFG.</summary>
    public const byte Device = 4;

    // struct virtio_pci_cap, section 4.1.4.
    private const int CapType = 3, CapBar = 4, CapOffset = 8, CapLength = 12, CapNotifyMultiplier = 16;

    // PCI Local Bus Specification 3.0, section 6.2.5: the first BAR, and the bit that says that it is of I/O ports.
    private const int FirstBar = 0x10;
    private const uint BarIsPorts = 1;
    private const int Bars = 6;

    /// <summary>
    /// Finds a structure: the first capability of its type that lies in a memory BAR, as section 4.1.4.1 has it.
    /// </summary>
    /// <exception cref="DataplaneException">There is none.</exception>
    public static VirtioPciStructure Find<TRegisters>(IPciFunction<TRegisters> function, byte type, int leastLength)
        where TRegisters : struct, IRegisterSpace
    {
        IPciConfiguration configuration = function.Configuration;
        foreach (int capability in PciCapabilities.Find(configuration, PciCapabilities.VendorSpecific))
        {
            if (configuration.Read8(capability + CapType) == type
                && TryRead(function, capability, type, leastLength, out VirtioPciStructure structure))
                return structure;
        }

        throw new DataplaneException(
            $"{function.Name}: {function.Id} has no virtio 1.0 structure of type {type} in a memory BAR",
            "QEMU: let -device virtio-net-pci be modern, with disable-modern=off");
    }

    private static bool TryRead<TRegisters>(
        IPciFunction<TRegisters> function, int capability, byte type, int leastLength, out VirtioPciStructure structure)
        where TRegisters : struct, IRegisterSpace
    {
        IPciConfiguration configuration = function.Configuration;
        int bar = configuration.Read8(capability + CapBar);
        uint offset = configuration.Read32(capability + CapOffset);
        uint length = configuration.Read32(capability + CapLength);
        uint multiplier = type == Notify ? configuration.Read32(capability + CapNotifyMultiplier) : 0;
        structure = new VirtioPciStructure(bar, (int)offset, (int)length, multiplier);
        return bar < Bars
            && (configuration.Read32(FirstBar + (bar * sizeof(uint))) & BarIsPorts) == 0
            && offset <= int.MaxValue && length <= int.MaxValue && length >= leastLength
            && (long)offset + length <= function.BarLength(bar);
    }
}
