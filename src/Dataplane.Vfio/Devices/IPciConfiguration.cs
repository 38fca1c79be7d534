namespace Dataplane.Vfio.Devices;

/// <summary>The configuration space of a PCI function: 256 bytes, or 4096 on PCI Express. Control plane only.</summary>
internal interface IPciConfiguration
{
    /// <summary>Reads at an offset in bytes; all ones where there is nothing.</summary>
    byte Read8(int offset);

    /// <inheritdoc cref="Read8"/>
    ushort Read16(int offset);

    /// <inheritdoc cref="Read8"/>
    uint Read32(int offset);

    /// <summary>Writes at an offset in bytes.</summary>
    void Write16(int offset, ushort value);

    /// <inheritdoc cref="Write16"/>
    void Write32(int offset, uint value);
}
