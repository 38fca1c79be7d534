using System.Runtime.CompilerServices;

namespace Dataplane.Vfio.Devices;

/// <summary>Registers that are mapped into our address space: a pointer, and every access one instruction.</summary>
/// <param name="address">Where the BAR starts; whoever mapped it unmaps it behind the last access.</param>
internal readonly unsafe struct MappedRegisters(byte* address) : IRegisterSpace
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte Read8(int offset) => Volatile.Read(ref *(address + offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort Read16(int offset) => Volatile.Read(ref *(ushort*)(address + offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint Read32(int offset) => Volatile.Read(ref *(uint*)(address + offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write8(int offset, byte value) => Volatile.Write(ref *(address + offset), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write16(int offset, ushort value) => Volatile.Write(ref *(ushort*)(address + offset), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write32(int offset, uint value) => Volatile.Write(ref *(uint*)(address + offset), value);
}
