using Dataplane.Ports;
using static Dataplane.Vfio.Nics.Intel.GigabitRegisters;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>The receive settings that all gigabit MACs have alike.</summary>
internal static class GigabitReceive
{
    /// <summary>RCTL of a device that receives.</summary>
    /// <param name="promiscuous">Frames to any station.</param>
    /// <param name="allMulticast">Frames to any group.</param>
    /// <param name="isJumbo">Frames longer than standard.</param>
    public static uint Control(bool promiscuous, bool allMulticast, bool isJumbo)
    {
        uint control = RctlEnable | RctlBroadcast | RctlStripCrc;
        if (promiscuous)
            control |= RctlUnicastPromiscuous;
        if (promiscuous || allMulticast)
            control |= RctlMulticastPromiscuous;
        if (isJumbo)
            control |= RctlLongPackets;
        return control;
    }

    /// <summary>RXCSUM: which checksums of received frames are checked.</summary>
    public static uint Checksums(PortOffloads offloads)
    {
        uint checksums = 0;
        if (offloads.HasFlag(PortOffloads.RxIpChecksum))
            checksums |= RxcsumIp;
        if (offloads.HasFlag(PortOffloads.RxL4Checksum))
            checksums |= RxcsumL4;
        return checksums;
    }
}
