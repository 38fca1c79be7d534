using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>A device's registers, with what messages and sequences need to know of it. Control plane only.</summary>
/// <param name="Registers">BAR 0.</param>
/// <param name="Name">Its address, for messages.</param>
/// <param name="Variant">What it is.</param>
internal sealed record IxgbeDevice<TRegisters>(TRegisters Registers, string Name, IxgbeVariant Variant)
    where TRegisters : struct, IRegisterSpace
{
    /// <summary>Longer than any step of the data sheets takes.</summary>
    public static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    /// <summary>Whether something answers; STATUS and VFSTATUS are never all ones.</summary>
    public bool IsThere => Read(IxgbeRegisters.Status) != uint.MaxValue;

    public uint Read(int offset) => Registers.Read32(offset);

    public void Write(int offset, uint value) => Registers.Write32(offset, value);

    /// <summary>Sets and clears bits of a register, in one write.</summary>
    public void Change(int offset, uint set, uint clear) => Write(offset, (Read(offset) & ~clear) | set);

    /// <summary>Waits until all bits of a mask are set.</summary>
    /// <exception cref="DataplaneException">They are not in time.</exception>
    public void WaitSet(int offset, uint mask, string what) =>
        RegisterWait.Until(Registers, offset, mask, mask, Bound, Name, what);

    /// <summary>Waits until all bits of a mask are clear.</summary>
    /// <exception cref="DataplaneException">They are not in time.</exception>
    public void WaitClear(int offset, uint mask, string what) =>
        RegisterWait.Until(Registers, offset, mask, 0, Bound, Name, what);

    /// <summary>Writes of the device before have arrived: a read on PCIe waits for the writes before it.</summary>
    public void Flush() => _ = Read(IxgbeRegisters.Status);
}
