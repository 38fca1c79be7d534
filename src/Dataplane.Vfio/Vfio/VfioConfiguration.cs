using Dataplane.Linux;
using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Vfio;

/// <summary>Configuration space through the device's file; the kernel virtualizes some of it.</summary>
internal sealed unsafe class VfioConfiguration(VfioDevice device) : IPciConfiguration
{
    private readonly long _start = (long)device.Region(VfioNumbers.VFIO_PCI_CONFIG_REGION_INDEX).Offset;

    public byte Read8(int offset)
    {
        byte value;
        return Libc.Pread(device.Handle, &value, sizeof(byte), _start + offset) == sizeof(byte) ? value : byte.MaxValue;
    }

    public ushort Read16(int offset)
    {
        ushort value;
        return Libc.Pread(device.Handle, &value, sizeof(ushort), _start + offset) == sizeof(ushort) ? value : ushort.MaxValue;
    }

    public uint Read32(int offset)
    {
        uint value;
        return Libc.Pread(device.Handle, &value, sizeof(uint), _start + offset) == sizeof(uint) ? value : uint.MaxValue;
    }

    public void Write16(int offset, ushort value) => _ = Libc.Pwrite(device.Handle, &value, sizeof(ushort), _start + offset);

    public void Write32(int offset, uint value) => _ = Libc.Pwrite(device.Handle, &value, sizeof(uint), _start + offset);
}
