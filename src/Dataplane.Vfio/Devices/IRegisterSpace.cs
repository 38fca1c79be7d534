namespace Dataplane.Vfio.Devices;

/// <summary>
/// The registers of a BAR. Drivers are generic over it as a struct, so that an access over VFIO is one instruction and the
/// same driver runs against a device model in tests.
/// </summary>
/// <remarks>
/// Accesses are volatile and of exactly the width of the method, little-endian. They have program order among themselves;
/// order towards memory that the device reads or writes is the caller's, by <see cref="IoBarrier"/>.
/// </remarks>
internal interface IRegisterSpace
{
    /// <summary>Reads the register at an offset in bytes.</summary>
    byte Read8(int offset);

    /// <inheritdoc cref="Read8"/>
    ushort Read16(int offset);

    /// <inheritdoc cref="Read8"/>
    uint Read32(int offset);

    /// <summary>Writes the register at an offset in bytes.</summary>
    void Write8(int offset, byte value);

    /// <inheritdoc cref="Write8"/>
    void Write16(int offset, ushort value);

    /// <inheritdoc cref="Write8"/>
    void Write32(int offset, uint value);
}
