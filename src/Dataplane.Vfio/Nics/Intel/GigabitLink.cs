using Dataplane.Ports;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>The link as STATUS has it, which all gigabit MACs and their VFs have alike.</summary>
internal static class GigabitLink
{
    /// <summary>Takes the register apart.</summary>
    public static LinkStatus Decode(uint status)
    {
        if ((status & StatusLinkUp) == 0 || status == uint.MaxValue)
            return LinkStatus.Down;
        uint speed = ((status >> StatusSpeedShift) & 3) switch
        {
            0 => 10,
            1 => 100,
            _ => 1000,
        };
        return new LinkStatus(IsUp: true, speed, (status & StatusFullDuplex) != 0, AutoNegotiated: true);
    }
}
