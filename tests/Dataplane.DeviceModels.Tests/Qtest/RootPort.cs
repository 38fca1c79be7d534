using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>The PCI Express slot that the NIC is in.</summary>
internal sealed class RootPort
{
    // PCI-to-PCI Bridge Architecture Specification 1.2, section 3.2: a type 1 header.
    private const int Command = 0x04;
    private const ushort MemorySpaceAndBusMaster = (1 << 1) | (1 << 2);
    private const int BusNumbers = 0x18;
    private const int MemoryWindow = 0x20;

    // PCI Express Base Specification 3.0, section 7.8.10.
    private const int SlotControl = 0x18;
    private const int PowerIndicatorOff = 3 << 8;
    private const int PowerControllerOff = 1 << 10;

    private readonly IPciConfiguration _configuration;

    /// <summary>Lets accesses through to what is behind it.</summary>
    /// <param name="configuration">Of the port.</param>
    /// <param name="bus">Number of the bus behind it.</param>
    /// <param name="start">Where BARs behind it may be; a multiple of 1 MiB.</param>
    /// <param name="end">The first address that is not there any more.</param>
    public RootPort(IPciConfiguration configuration, int bus, ulong start, ulong end)
    {
        _configuration = configuration;
        configuration.Write32(BusNumbers, (uint)((bus << 8) | (bus << 16)));
        configuration.Write32(MemoryWindow, (uint)(((start >> 16) & 0xFFF0) | ((end - 1) & 0xFFF0_0000)));
        configuration.Write16(Command, MemorySpaceAndBusMaster);
    }

    /// <summary>Takes the power from the slot, which drops what is in it.</summary>
    public void PowerOff()
    {
        int express = PciCapabilities.Find(_configuration, PciCapabilities.Express).Single();
        int control = _configuration.Read16(express + SlotControl);
        _configuration.Write16(express + SlotControl, (ushort)(control | PowerIndicatorOff | PowerControllerOff));
    }
}
