using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// Single Root I/O Virtualization of a PF (Single Root I/O Virtualization and Sharing Specification 1.1, section 3.3).
/// </summary>
internal sealed class SriovCapability
{
    private const int Id = 0x10;
    private const int FirstExtended = 0x100;
    private const int Control = 0x08;
    private const ushort VfEnable = 1 << 0;
    private const ushort VfMemorySpace = 1 << 3;
    private const int NumVfs = 0x10;
    private const int FirstVfOffset = 0x14;
    private const int VfStride = 0x16;
    private const int VfDevice = 0x1A;
    private const int VfBars = 0x24;

    private readonly IPciConfiguration _configuration;
    private readonly int _offset;

    /// <exception cref="InvalidOperationException">The function has none.</exception>
    public SriovCapability(IPciConfiguration configuration)
    {
        _configuration = configuration;
        _offset = Find(configuration);
    }

    /// <summary>Device id of the VFs.</summary>
    public ushort VirtualFunctionDevice => _configuration.Read16(_offset + VfDevice);

    /// <summary>Device and function number of a VF whose PF is function 0 of device 0.</summary>
    public int FunctionOf(int index) =>
        _configuration.Read16(_offset + FirstVfOffset) + (index * _configuration.Read16(_offset + VfStride));

    /// <summary>Makes VFs.</summary>
    /// <returns>The BARs of the first; those of the others follow.</returns>
    public (ulong Address, long Length)?[] Enable(int count, ref ulong cursor)
    {
        _configuration.Write16(_offset + NumVfs, (ushort)count);
        (ulong Address, long Length)?[] bars = PciBars.Assign(_configuration, _offset + VfBars, count, ref cursor);
        _configuration.Write16(_offset + Control, VfEnable | VfMemorySpace);
        return bars;
    }

    private static int Find(IPciConfiguration configuration)
    {
        // PCI Express Base Specification 3.0, 7.9.1: id in bits 15:0, offset of the next in bits 31:20.
        int offset = FirstExtended;
        while (offset != 0)
        {
            uint header = configuration.Read32(offset);
            if ((header & 0xFFFF) == Id)
                return offset;
            offset = (int)(header >> 20);
        }

        throw new InvalidOperationException("The device has no VFs");
    }
}
