using Dataplane.Testing;
using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Preconditions;

/// <summary>What a pod can be without, really taken away: l2fwd says it in a sentence with what mends it.</summary>
public class PreconditionTests(PreconditionTests.Fixture fixture, ITestOutputHelper output) : GuestTests<PreconditionTests.Fixture>(fixture, output)
{
    // A user that is nobody, as in an image that says USER 65534.
    private const string AsNobody = "setpriv --reuid 65534 --regid 65534 --clear-groups";

    private string First => Guest.PciAddresses[0];

    private string Second => Guest.PciAddresses[1];

    [Fact]
    public void A_group_of_which_the_kernel_drives_another_device()
    {
        (string bridged, string neighbour) = (Guest.PciAddresses[2], Guest.PciAddresses[3]);
        Guest.LoadModule("e1000");
        Devbind.BindToVfio(Guest, bridged);

        string group = GroupOf(bridged);
        AssertRefused(
            $"-a {bridged} -- -p 1",
            $"The IOMMU group {group} of {bridged} cannot be used: the kernel drives {neighbour} (8086:100e, driver e1000) of the same group",
            $"give the whole group to VFIO: 'dataplane devbind --bind vfio-pci {neighbour}'");
    }

    [Fact]
    public void A_device_that_has_no_driver()
    {
        Guest.Run(Devbind.Command($"--unbind {Second}"));
        AssertRefused(
            $"-a {Second} -- -p 1", $"{Second} has no driver", $"give it to VFIO on the host with 'dataplane devbind --bind vfio-pci {Second}'");
        Devbind.BindToVfio(Guest, Second);
    }

    [Fact]
    public void A_device_that_the_kernel_drives()
    {
        string neighbour = Guest.PciAddresses[3];
        Guest.LoadModule("e1000");
        AssertRefused(
            $"-a {neighbour} -- -p 1",
            $"{neighbour} belongs to the kernel's driver e1000",
            $"give it to VFIO on the host with 'dataplane devbind --bind vfio-pci {neighbour}'");
    }

    [Fact]
    public void A_device_that_is_bound_to_uio_pci_generic()
    {
        Guest.LoadModule("uio_pci_generic");
        Guest.Run(Devbind.Command($"--bind uio_pci_generic {Second}"));
        AssertRefused(
            $"-a {Second} -- -p 1",
            $"{Second} is bound to uio_pci_generic, and devices are used through VFIO only",
            $"give it to VFIO on the host with 'dataplane devbind --bind vfio-pci {Second}'");
        Devbind.BindToVfio(Guest, Second);
    }

    [Fact]
    public void A_device_that_no_driver_knows()
    {
        string unknown = Guest.PciAddresses[4];
        AssertRefused($"-a {unknown} -- -p 1", $"No driver knows {unknown} (15ad:07b0)", "the drivers are for net_");
    }

    [Fact]
    public void A_second_instance_on_the_same_device()
    {
        using var holder = GuestL2Fwd.Start(Guest, $"-l 0-1 --in-memory -a {First} -a {Second} -- -p 3");
        AssertRefused(
            $"-a {First} -- -p 1",
            $"Cannot open /dev/vfio/{GroupOf(First)}, the VFIO group of {First}: Device or resource busy: process {holder.Command.Pid} (l2fwd) has it",
            "end that process, or use another device");
        Assert.Equal(0, holder.Terminate());
    }

    [Fact]
    public void No_dev_vfio_at_all() => AssertRefused(
        $"-a {First} -- -p 1",
        "Cannot open /dev/vfio/vfio: No such file or directory",
        "load VFIO on the host with 'modprobe vfio-pci'; in a pod, mount it: volumes: [{name: vfio, hostPath: {path: /dev/vfio}}]",
        prefix: InPrivateDevVfio("true"));

    [Fact]
    public void Only_the_node_of_another_group() => AssertRefused(
        $"-a {First} -- -p 1",
        $"Cannot open /dev/vfio/{GroupOf(First)}, the VFIO group of {First}: No such file or directory",
        "take the device from the SR-IOV device plugin (resources: limits)",
        prefix: InPrivateDevVfio($"cp -a /run/vfio/vfio /run/vfio/{GroupOf(Second)} /dev/vfio"));

    [Fact]
    public void No_permission_for_the_group() => AssertRefused(
        $"-a {First} -- -p 1",
        $"Cannot open /dev/vfio/{GroupOf(First)}, the VFIO group of {First}: Permission denied",
        $"run as root or 'chown USER /dev/vfio/{GroupOf(First)}'",
        prefix: $"exec {AsNobody}");

    [Fact]
    public void A_limit_of_locked_memory_that_is_too_low()
    {
        string node = $"/dev/vfio/{GroupOf(First)}";
        Guest.Run($"chown 65534 {node}");
        AssertRefused(
            $"-a {First} -- -p 1",
            "must be locked, and the limit (RLIMIT_MEMLOCK) is 64 KiB",
            "raise it with 'ulimit -l unlimited' before the start; in a pod: securityContext: {capabilities: {add: [IPC_LOCK]}}",
            prefix: $"ulimit -l 64; exec {AsNobody}");
        Guest.Run($"chown root {node}");
    }

    [Fact]
    public void No_hugepages_are_replaced_by_ordinary_pages_with_a_warning()
    {
        Guest.Run("echo 0 >/proc/sys/vm/nr_hugepages");
        using (var l2fwd = GuestL2Fwd.Start(Guest, $"--huge-unlink -l 0-1 -n 4 -a {First} -a {Second} -- -p 3"))
        {
            Assert.Contains(
                "hugepages of 2 MiB are needed and 0 are free; run 'echo 32 > /proc/sys/vm/nr_hugepages'; ordinary pages are used instead, which is slower",
                l2fwd.Command.Errors, StringComparison.Ordinal);
            new Traffic(Guest.Wires, l2fwd.MacAddresses).Check([60, 1514]);
        }

        Guest.Run("echo 128 >/proc/sys/vm/nr_hugepages");
    }

    /// <summary>A shell's words that put something else at /dev/vfio, and at /run/vfio what was there.</summary>
    private static string InPrivateDevVfio(string furnish) =>
        $"exec unshare --mount sh -c 'mkdir -p /run/vfio; mount --bind /dev/vfio /run/vfio; mount -t tmpfs vfio /dev/vfio; {furnish}; exec \"$@\"' sh";

    private string GroupOf(string address) => Guest.Run($"basename $(readlink /sys/bus/pci/devices/{address}/iommu_group)").Trim();

    private void AssertRefused(string arguments, string problem, string remedy, string prefix = "exec")
    {
        ShellResult result = Guest.TryRun($"{prefix} {GuestTools.L2Fwd} -l 0 --in-memory {arguments}");
        Assert.True(
            result.ExitCode == 1 && result.Error.Contains("\n  Cause: ", StringComparison.Ordinal)
            && result.Error.Contains(problem, StringComparison.Ordinal) && result.Error.Contains(remedy, StringComparison.Ordinal),
            $"It should have said '{problem}' and '{remedy}', but {result}");
    }

    public sealed class Fixture() : GuestFixture(new GuestOptions
    {
        Nics = [NicModel.E1000e, NicModel.E1000e, NicModel.BridgedE1000, NicModel.BridgedE1000, NicModel.Vmxnet3],
    })
    {
        private protected override void Prepare(Guest guest)
        {
            Devbind.BindToVfio(guest, guest.PciAddresses[0], guest.PciAddresses[1], guest.PciAddresses[4]);
            // A checkout may be where only root looks.
            guest.Run($"file={GuestTools.L2Fwd}; while [ \"$file\" != / ]; do chmod a+rx \"$file\"; file=$(dirname \"$file\"); done");
        }
    }
}
