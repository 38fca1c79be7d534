using Dataplane.Vfio.Devices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>The registers of a device model: a round trip to QEMU per access.</summary>
internal readonly struct QtestRegisters(QtestBar bar) : IRegisterSpace
{
    /// <inheritdoc/>
    public byte Read8(int offset) => (byte)bar.Read('b', offset);

    /// <inheritdoc/>
    public ushort Read16(int offset) => (ushort)bar.Read('w', offset);

    /// <inheritdoc/>
    public uint Read32(int offset) => (uint)bar.Read('l', offset);

    /// <inheritdoc/>
    public void Write8(int offset, byte value) => bar.Write('b', offset, value);

    /// <inheritdoc/>
    public void Write16(int offset, ushort value) => bar.Write('w', offset, value);

    /// <inheritdoc/>
    public void Write32(int offset, uint value) => bar.Write('l', offset, value);
}

/// <summary>A memory BAR and where it is.</summary>
internal sealed class QtestBar(QtestClient client, ulong address, long length, PciPresence presence)
{
    /// <summary>Bytes.</summary>
    public long Length => length;

    /// <summary>Where it starts.</summary>
    public ulong Address => address;

    /// <summary>Reads; all ones from a device that is gone, as the root complex answers for it.</summary>
    public ulong Read(char width, int offset)
    {
        Check(offset);
        return presence.IsGone ? ulong.MaxValue : client.Read(width, address + (uint)offset);
    }

    /// <summary>Writes; into the void if the device is gone.</summary>
    public void Write(char width, int offset, ulong value)
    {
        Check(offset);
        if (!presence.IsGone)
            client.Write(width, address + (uint)offset, value);
    }

    /// <summary>What VFIO would not have mapped is an error of the driver.</summary>
    private void Check(int offset)
    {
        if (offset < 0 || offset >= length)
            throw new InvalidOperationException($"Register 0x{offset:x} is outside of the BAR of {length} bytes");
    }
}

/// <summary>Whether a device is still plugged in.</summary>
internal sealed class PciPresence
{
    private volatile bool _isGone;

    /// <summary>It was pulled out.</summary>
    public bool IsGone
    {
        get => _isGone;
        set => _isGone = value;
    }
}
