using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Nics.Intel;

namespace Dataplane.Vfio.Nics.E1000;

/// <summary>The copper PHY, which is reached through MDIC. It negotiates by itself; it only may have been left asleep.</summary>
internal readonly struct E1000Phy<TRegisters>(TRegisters registers, E1000Model model, string device)
    where TRegisters : struct, IRegisterSpace
{
    // MDIC: data 15:0, register 20:16, PHY 25:21, operation 27:26, ready, interrupt, error.
    private const int RegisterShift = 16;
    private const uint InternalPhy = 1u << 21;
    private const uint Write = 1u << 26;
    private const uint Read = 2u << 26;
    private const uint Ready = 1u << 28;
    private const uint Error = 1u << 30;

    /// <summary>Register 0 of every PHY (IEEE 802.3, 22.2.4.1).</summary>
    private const int BasicControl = 0;
    private const uint RestartNegotiation = 1u << 9;
    private const uint PowerDown = 1u << 11;
    private const uint Negotiate = 1u << 12;

    /// <summary>A frame on the management bus takes 64 bit times of at least 400 ns.</summary>
    private static readonly TimeSpan s_accessTime = TimeSpan.FromMilliseconds(10);

    /// <summary>Wakes the PHY if the last driver put it to sleep, and has it negotiate if that one fixed the speed.</summary>
    /// <exception cref="DataplaneException">It does not answer.</exception>
    public void WakeUp()
    {
        Acquire();
        try
        {
            uint control = Access(Read, BasicControl);
            if ((control & (PowerDown | Negotiate)) != Negotiate)
                Access(Write | (control & ~PowerDown) | Negotiate | RestartNegotiation, BasicControl);
        }
        finally
        {
            Release();
        }
    }

    /// <summary>
    /// Makes sure that firmware does not use the PHY meanwhile; it also guards a reset. Should firmware not let go within
    /// its bound, it is taken for stuck: the access is made anyway.
    /// </summary>
    public void Acquire()
    {
        if (!model.IsExpress)
            return;
        uint owned = registers.Read32(E1000Registers.ExtcnfCtrl) | E1000Registers.ExtcnfSoftwareOwnsPhy;
        registers.Write32(E1000Registers.ExtcnfCtrl, owned);
        _ = RegisterWait.TryUntil(
            registers,
            E1000Registers.ExtcnfCtrl,
            E1000Registers.ExtcnfSoftwareOwnsPhy,
            E1000Registers.ExtcnfSoftwareOwnsPhy,
            TimeSpan.FromMilliseconds(100),
            out _);
    }

    /// <summary>Lets firmware use it again.</summary>
    public void Release()
    {
        if (!model.IsExpress)
            return;
        uint free = registers.Read32(E1000Registers.ExtcnfCtrl) & ~E1000Registers.ExtcnfSoftwareOwnsPhy;
        registers.Write32(E1000Registers.ExtcnfCtrl, free);
    }

    private uint Access(uint operation, int register)
    {
        registers.Write32(E1000Registers.Mdic, operation | InternalPhy | ((uint)register << RegisterShift));
        uint result = RegisterWait.Until(
            registers, E1000Registers.Mdic, Ready, Ready, s_accessTime, device, "MDIC.R, the PHY's answer");
        return (result & Error) == 0
            ? result & ushort.MaxValue
            : throw new DataplaneException($"{device}: the PHY refuses access to its register {register}", "power the machine off and on");
    }
}
