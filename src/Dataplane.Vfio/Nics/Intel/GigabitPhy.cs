using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>
/// The copper PHY of a gigabit MAC, which is reached through MDIC (8254x manual 13.4.8, 82574 data sheet 10.2.2.7, 82576
/// 8.2.4). It negotiates by itself; it only may have been left asleep. Who shares it with firmware takes the lock before.
/// </summary>
/// <param name="registers">Of the device.</param>
/// <param name="device">The device's name, for errors.</param>
internal readonly struct GigabitPhy<TRegisters>(TRegisters registers, string device)
    where TRegisters : struct, IRegisterSpace
{
    // MDIC: data 15:0, register 20:16, PHY 25:21, operation 27:26, ready, interrupt, error.
    private const int Mdic = 0x0020;
    private const int RegisterShift = 16;
    private const uint InternalPhy = 1u << 21;
    private const uint Write = 1u << 26;
    private const uint Read = 2u << 26;
    private const uint Ready = 1u << 28;
    private const uint Error = 1u << 30;

    // Registers of every PHY (IEEE 802.3, 22.2.4.1 and 22.2.4.2).
    private const int Control = 0;
    private const uint RestartNegotiation = 1u << 9;
    private const uint PowerDown = 1u << 11;
    private const uint Negotiate = 1u << 12;
    private const int Status = 1;
    private const uint NegotiationComplete = 1u << 5;

    /// <summary>A frame on the management bus takes 64 bit times of at least 400 ns.</summary>
    private static readonly TimeSpan s_accessTime = TimeSpan.FromMilliseconds(10);

    /// <summary>
    /// Wakes the PHY if the last driver put it to sleep, and has it negotiate unless it has done so. A link that is up stays up.
    /// </summary>
    /// <exception cref="DataplaneException">It does not answer.</exception>
    public void WakeUp()
    {
        uint control = Access(Read, Control);
        bool isAwake = (control & (PowerDown | Negotiate)) == Negotiate;
        if (!isAwake || (Access(Read, Status) & NegotiationComplete) == 0)
            Access(Write | (control & ~PowerDown) | Negotiate | RestartNegotiation, Control);
    }

    private uint Access(uint operation, int register)
    {
        registers.Write32(Mdic, operation | InternalPhy | ((uint)register << RegisterShift));
        uint result = RegisterWait.Until(registers, Mdic, Ready, Ready, s_accessTime, device, "MDIC.R, the PHY's answer");
        return (result & Error) == 0
            ? result & ushort.MaxValue
            : throw new DataplaneException($"{device}: the PHY refuses access to its register {register}", "power the machine off and on");
    }
}
