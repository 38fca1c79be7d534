using Dataplane.Vm.Tests.Rig;

namespace Dataplane.Vm.Tests.Comparison;

/// <summary>DPDK's forwarder, which rewrites addresses as l2fwd does, on one lcore behind the main one.</summary>
internal static class TestPmd
{
    // DPDK loads every driver that it finds, which takes 7 s in a guest: it shall find these only. The others stay
    // where the dynamic linker looks for them.
    private const string HideDrivers = """
        folder=$(echo /usr/lib/*/dpdk/pmds-*)
        version=${folder##*-}
        mkdir -p /mnt/all /mnt/few
        mount --bind $folder /mnt/all
        ln -s /mnt/all/*.so.${version%%.*} /mnt/few
        for driver in bus_pci bus_vdev mempool_ring net_e1000 net_virtio; do ln -s /mnt/all/librte_$driver.so.$version /mnt/few; done
        mount --bind /mnt/few $folder
        mkfifo /run/silence
        """;

    /// <summary>Prepares a guest for it.</summary>
    public static void Prepare(Guest guest) => guest.Run(HideDrivers);

    /// <summary>Starts it.</summary>
    public static GuestCommand Launch(Guest guest)
    {
        string devices = string.Join(' ', guest.PciAddresses.Select(address => $"-a {address}"));
        // It ends when its standard input does, and a pipe that it could write to itself never ends.
        return guest.Start(
            $"exec <>/run/silence stdbuf -oL dpdk-testpmd -l 0-1 -n 1 --in-memory {devices} -- " +
            "--forward-mode=mac --auto-start --total-num-mbufs=8192 --rxd=1024 --txd=1024");
    }

    /// <summary>Whether it says that it forwards.</summary>
    public static bool Forwards(GuestCommand command) =>
        command.Output.Contains("Press enter to exit", StringComparison.Ordinal);
}
