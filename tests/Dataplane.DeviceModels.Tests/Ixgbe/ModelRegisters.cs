using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Ixgbe;

/// <summary>A BAR of a model in this process. 82599 8.1.1: registers are accessed by 32 bits.</summary>
internal readonly struct ModelRegisters(DeviceModel model) : IRegisterSpace
{
    public byte Read8(int offset) => throw Width(offset);

    public ushort Read16(int offset) => throw Width(offset);

    public uint Read32(int offset) => model.Read(offset);

    public void Write8(int offset, byte value) => throw Width(offset);

    public void Write16(int offset, ushort value) => throw Width(offset);

    public void Write32(int offset, uint value) => model.Write(offset, value);

    private static DataSheetException Width(int offset) => new($"8.1.1: access to 0x{offset:x} of less than 32 bits");
}
