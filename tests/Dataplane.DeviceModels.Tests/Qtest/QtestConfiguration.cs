using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>
/// The configuration space of a function, through the window of the q35 chipset (PCI Express Base Specification, 7.2.2:
/// bus, device and function choose 4096 bytes of it).
/// </summary>
internal sealed class QtestConfiguration(QtestClient client, int bus, int function) : IPciConfiguration
{
    /// <summary>Where <see cref="QtestSlot"/> lets the window be.</summary>
    public const ulong Window = 0xB000_0000;

    private readonly ulong _address = Window + ((ulong)bus << 20) + ((ulong)function << 12);

    /// <inheritdoc/>
    public byte Read8(int offset) => (byte)client.Read('b', _address + (uint)offset);

    /// <inheritdoc/>
    public ushort Read16(int offset) => (ushort)client.Read('w', _address + (uint)offset);

    /// <inheritdoc/>
    public uint Read32(int offset) => (uint)client.Read('l', _address + (uint)offset);

    /// <inheritdoc/>
    public void Write16(int offset, ushort value) => client.Write('w', _address + (uint)offset, value);

    /// <inheritdoc/>
    public void Write32(int offset, uint value) => client.Write('l', _address + (uint)offset, value);
}
