using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;
using static Dataplane.Vfio.Nics.Igb.IgbRegisters;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;

namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// Keeps firmware and drivers of the device's other ports from using a PHY meanwhile (82576 data sheet 4.6.12, I350 4.7).
/// Whoever does not let go within the bound is taken for dead: the access is made anyway.
/// </summary>
internal readonly struct IgbLock<TRegisters>(TRegisters registers)
    where TRegisters : struct, IRegisterSpace
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(100);

    /// <summary>Takes this port's PHY.</summary>
    public void Acquire()
    {
        uint phy = PhyOfThisPort();
        _ = RegisterWait.TryUntil(registers, SwFwSync, phy | (phy << SwFwSyncFirmwareShift), 0, s_patience, out _);
        Change(owned => owned | phy);
    }

    /// <summary>Gives it back.</summary>
    public void Release()
    {
        uint phy = PhyOfThisPort();
        Change(owned => owned & ~phy);
    }

    /// <summary>SW_FW_SYNC.SW_PHY_SM0 to 3: bits 1, 2, 5, 6.</summary>
    private uint PhyOfThisPort() => ((registers.Read32(Status) >> StatusLanIdShift) & 3) switch
    {
        0 => 1u << 1,
        1 => 1u << 2,
        2 => 1u << 5,
        _ => 1u << 6,
    };

    private void Change(Func<uint, uint> change)
    {
        _ = RegisterWait.TryUntil(registers, Swsm, SwsmDriver, 0, s_patience, out uint value);
        registers.Write32(Swsm, value | SwsmDriver | SwsmSoftware);
        _ = RegisterWait.TryUntil(registers, Swsm, SwsmSoftware, SwsmSoftware, s_patience, out _);
        registers.Write32(SwFwSync, change(registers.Read32(SwFwSync)));
        registers.Write32(Swsm, registers.Read32(Swsm) & ~(SwsmDriver | SwsmSoftware));
    }
}
