using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>The PHY, and the lock by which software and the firmware of PCI Express devices share it.</summary>
internal readonly struct E1000Phy<TRegisters>(TRegisters registers, E1000Model model, string device)
    where TRegisters : struct, IRegisterSpace
{
    private const uint Owned = E1000Registers.ExtcnfSoftwareOwnsPhy;

    /// <summary>Wakes the PHY if the last driver put it to sleep, and has it negotiate.</summary>
    /// <exception cref="DataplaneException">It does not answer.</exception>
    public void WakeUp()
    {
        Acquire();
        try
        {
            new GigabitPhy<TRegisters>(registers, device).WakeUp();
        }
        finally
        {
            Release();
        }
    }

    /// <summary>
    /// Makes sure that firmware does not use the PHY meanwhile; a reset needs that, too. Should firmware not let go
    /// within the bound, it is taken for stuck, and what is to be done is done anyway.
    /// </summary>
    public void Acquire()
    {
        if (!model.IsExpress)
            return;
        registers.Write32(E1000Registers.ExtcnfCtrl, registers.Read32(E1000Registers.ExtcnfCtrl) | Owned);
        _ = RegisterWait.TryUntil(
            registers, E1000Registers.ExtcnfCtrl, Owned, Owned, TimeSpan.FromMilliseconds(100), out _);
    }

    /// <summary>Lets firmware use it again.</summary>
    public void Release()
    {
        if (model.IsExpress)
            registers.Write32(E1000Registers.ExtcnfCtrl, registers.Read32(E1000Registers.ExtcnfCtrl) & ~Owned);
    }
}
