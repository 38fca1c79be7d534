namespace Dataplane.Vm.Tests.Rig;

/// <summary>SR-IOV as the kernel's driver of a PF does it.</summary>
internal static class VirtualFunctions
{
    /// <summary>Makes one VF, without a driver, with a MAC address of its own; its PF is up, without which no frame passes.</summary>
    /// <returns>Its PCI address.</returns>
    public static string Create(Guest guest, string physical)
    {
        string device = $"/sys/bus/pci/devices/{physical}";
        return guest.Run($"""
            set -e
            iface=$(ls {device}/net)
            ip link set $iface up
            echo 0 >{device}/sriov_drivers_autoprobe
            echo 1 >{device}/sriov_numvfs
            ip link set $iface vf 0 mac 02:00:00:00:0a:$(echo {physical} | cut -d : -f 2)
            basename $(readlink {device}/virtfn0)
            """).Trim();
    }
}
