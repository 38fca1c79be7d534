using System.Runtime.InteropServices;
using Dataplane.Linux;
using Dataplane.Vfio.Pci;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Vfio;

/// <summary>A device's file, and what the kernel answers of it. When it is closed, the kernel resets the device and takes its interrupts away.</summary>
internal sealed unsafe class VfioDevice : IInterruptSource, IDisposable
{
    private readonly bool _canReset;

    /// <param name="group">In a container that has its IOMMU; outlives the device.</param>
    /// <param name="device">Which device of the group.</param>
    /// <param name="token">What a PF and its VFs share; null for none.</param>
    /// <exception cref="DataplaneException">The kernel does not let us have it.</exception>
    public VfioDevice(VfioGroup group, PciDevice device, Guid? token)
    {
        Name = device.Address;
        Handle = Open(group.OpenDevice, device, token);
        var info = new VfioDeviceInfo { Argsz = (uint)sizeof(VfioDeviceInfo) };
        if (Libc.Ioctl(Handle, VfioNumbers.VFIO_DEVICE_GET_INFO, &info) == 0)
        {
            _canReset = (info.Flags & VfioNumbers.VFIO_DEVICE_FLAGS_RESET) != 0;
            return;
        }

        int error = Errno.Last;
        Handle.Dispose();
        throw new DataplaneException($"{Name} does not answer as a VFIO device does: {Errno.Describe(error)}");
    }

    /// <summary>The device's address.</summary>
    public string Name { get; }

    /// <summary>The file.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>A region; empty if the device has none of this index.</summary>
    public VfioRegion Region(uint index)
    {
        VfioAnswer<VfioRegionInfo>? answer = VfioAnswer<VfioRegionInfo>.Ask(
            Handle, VfioNumbers.VFIO_DEVICE_GET_REGION_INFO, new VfioRegionInfo { Index = index });
        return answer is null ? new VfioRegion(0, 0, 0, null, false) : VfioRegion.Parse(answer);
    }

    /// <inheritdoc/>
    public int InterruptCount(uint index)
    {
        var info = new VfioIrqInfo { Argsz = (uint)sizeof(VfioIrqInfo), Index = index };
        return Libc.Ioctl(Handle, VfioNumbers.VFIO_DEVICE_GET_IRQ_INFO, &info) == 0 && (info.Flags & VfioNumbers.VFIO_IRQ_INFO_EVENTFD) != 0
            ? (int)info.Count
            : 0;
    }

    /// <inheritdoc/>
    public bool TrySignal(uint index, IReadOnlyList<EventFd> vectors)
    {
        int[] descriptors = [.. vectors.Select(vector => (int)vector.Handle.DangerousGetHandle())];
        const uint Flags = VfioNumbers.VFIO_IRQ_SET_DATA_EVENTFD | VfioNumbers.VFIO_IRQ_SET_ACTION_TRIGGER;
        return TrySetInterrupts(index, Flags, descriptors.Length, descriptors);
    }

    /// <inheritdoc/>
    public void EndSignals(uint index) =>
        _ = TrySetInterrupts(index, VfioNumbers.VFIO_IRQ_SET_DATA_NONE | VfioNumbers.VFIO_IRQ_SET_ACTION_TRIGGER, 0, []);

    /// <inheritdoc/>
    public void Unmask(uint index) =>
        _ = TrySetInterrupts(index, VfioNumbers.VFIO_IRQ_SET_DATA_NONE | VfioNumbers.VFIO_IRQ_SET_ACTION_UNMASK, 1, []);

    /// <summary>Resets the function, if it has a reset of its own.</summary>
    public bool TryReset() => _canReset && Libc.Ioctl(Handle, VfioNumbers.VFIO_DEVICE_RESET, null) == 0;

    /// <summary>Gives the device back; nothing of it is mapped any more.</summary>
    public void Dispose() => Handle.Dispose();

    /// <summary>Opens a device's file.</summary>
    /// <param name="open">Asks the group for the device of a name; leaves an error number in <see cref="Errno.Last"/>.</param>
    /// <param name="device">Which device.</param>
    /// <param name="token">What a PF and its VFs share; null for none.</param>
    internal static SafeFileHandle Open(Func<string, SafeFileHandle> open, PciDevice device, Guid? token)
    {
        // The form of the kernel (vfio_pci_core_match): the address, and the token if there is one.
        SafeFileHandle handle = open(token is null ? device.Address : $"{device.Address} vf_token={token}");
        // A token is refused by devices that have no use for it (EINVAL), and kernels before 5.7, which know no tokens, take all
        // of it for a name (ENODEV); the option is for all devices of the command line.
        if (handle.IsInvalid && token is not null && Errno.Last is Errno.EINVAL or Errno.ENODEV)
            handle = open(device.Address);
        return handle.IsInvalid ? throw VfioRefusals.DeviceNotOpened(Errno.Last, device, token is not null) : handle;
    }

    private bool TrySetInterrupts(uint index, uint flags, int count, ReadOnlySpan<int> descriptors)
    {
        byte[] request = new byte[sizeof(VfioIrqSet) + (descriptors.Length * sizeof(int))];
        var head = new VfioIrqSet { Argsz = (uint)request.Length, Flags = flags, Index = index, Count = (uint)count };
        MemoryMarshal.Write(request, head);
        MemoryMarshal.AsBytes(descriptors).CopyTo(request.AsSpan(sizeof(VfioIrqSet)));
        fixed (byte* start = request)
            return Libc.Ioctl(Handle, VfioNumbers.VFIO_DEVICE_SET_IRQS, start) == 0;
    }
}
