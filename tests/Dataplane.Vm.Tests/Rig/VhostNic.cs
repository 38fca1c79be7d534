namespace Dataplane.Vm.Tests.Rig;

/// <summary>A virtio-net of a guest that a vhost-user back end of this machine serves, instead of QEMU.</summary>
/// <param name="Index">Its place among those of the guest.</param>
/// <param name="Socket">Path of the socket between QEMU and the back end.</param>
internal sealed record VhostNic(int Index, string Socket)
{
    private const int FirstSlot = 0x08;

    /// <summary>Whether QEMU listens on the socket; else it connects, and again each second when the back end is gone.</summary>
    public bool QemuListens { get; init; }

    /// <summary>Pairs of queues.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Whether its rings may be packed ones.</summary>
    public bool IsPacked { get; init; }

    /// <summary>Where the guest's kernel has its virtio device.</summary>
    public string SysfsPattern => $"/sys/bus/pci/devices/0000:00:{FirstSlot + Index:x2}.0/virtio*";

    /// <summary>The words of QEMU's command line.</summary>
    public IEnumerable<string> QemuArguments()
    {
        string role = QemuListens ? "server=on,wait=off" : "reconnect=1";
        yield return "-chardev";
        yield return $"socket,id=backend{Index},path={Socket},{role}";
        yield return "-netdev";
        yield return $"vhost-user,id=vhost{Index},chardev=backend{Index},queues={Queues}";

        // Of a NIC with several queues the first two interrupts are for configuration and control (virtio 1.2, section 4.1.5.1.2).
        string queues = Queues == 1 ? "" : $",mq=on,vectors={2 + (2 * Queues)}";
        yield return "-device";
        yield return $"virtio-net-pci,id=virtio{Index},netdev=vhost{Index},mac=52:54:00:00:02:{Index:x2},disable-legacy=on," +
            $"packed={(IsPacked ? "on" : "off")}{queues},romfile=,addr={FirstSlot + Index:x}.0";
    }
}
