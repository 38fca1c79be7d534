using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Tests.Nics;

/// <summary>Registers that remember what was written, in order; nothing may be read.</summary>
internal readonly struct RecordingRegisters(List<(int Offset, uint Value)> writes) : IRegisterSpace
{
    public byte Read8(int offset) => throw Unexpected(offset);

    public ushort Read16(int offset) => throw Unexpected(offset);

    public uint Read32(int offset) => throw Unexpected(offset);

    public void Write8(int offset, byte value) => throw Unexpected(offset);

    public void Write16(int offset, ushort value) => throw Unexpected(offset);

    public void Write32(int offset, uint value) => writes.Add((offset, value));

    private static InvalidOperationException Unexpected(int offset) =>
        new($"Register 0x{offset:x} was accessed otherwise than by a 32-bit write");
}
