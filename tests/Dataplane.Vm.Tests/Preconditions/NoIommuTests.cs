using Dataplane.Testing;
using Dataplane.Vm.Tests.Forwarding;
using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Preconditions;

/// <summary>A machine without an IOMMU, whose vfio has its no-IOMMU mode.</summary>
public class NoIommuTests(NoIommuTests.Fixture fixture, ITestOutputHelper output) : GuestTests<NoIommuTests.Fixture>(fixture, output)
{
    [Fact]
    public void The_pods_command_line_forwards()
    {
        Assert.Equal("noiommu-0\nnoiommu-1\nvfio\n", Guest.Run("ls /dev/vfio"));
        using var l2fwd = GuestL2Fwd.Start(Guest);
        AssertForwards(l2fwd);
    }

    [Fact]
    public void It_forwards_where_the_device_plugin_has_renamed_the_nodes()
    {
        // The plugin gives a container /dev/vfio/N, whatever the node is called on the host.
        Guest.Run("mkdir -p /run/vfio; mount --bind /dev/vfio /run/vfio");
        using var l2fwd = GuestL2Fwd.Start(Guest, GuestL2Fwd.PodArguments, prefix:
            "unshare --mount sh -c 'mount -t tmpfs vfio /dev/vfio; cp -a /run/vfio/vfio /dev/vfio; " +
            "for n in 0 1; do cp -a /run/vfio/noiommu-$n /dev/vfio/$n; done; exec \"$@\"' sh");
        AssertForwards(l2fwd);
        Guest.Run("umount /run/vfio");
    }

    [Fact]
    public void Without_CAP_SYS_RAWIO_it_says_that_it_needs_it()
    {
        ShellResult result = Guest.TryRun(
            $"exec setpriv --bounding-set -sys_rawio {GuestTools.L2Fwd} -a {Guest.PciAddresses[0]} -l 0 -- -p 1");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("without an IOMMU it takes CAP_SYS_RAWIO", result.Error, StringComparison.Ordinal);
        Assert.Contains("securityContext: {capabilities: {add: [SYS_RAWIO]}}", result.Error, StringComparison.Ordinal);
    }

    private void AssertForwards(GuestL2Fwd l2fwd)
    {
        Assert.Contains("Using IOMMU type 8 (No-IOMMU)", l2fwd.Command.Errors, StringComparison.Ordinal);
        var traffic = new Traffic(Guest.Wires, l2fwd.MacAddresses);
        traffic.Check(Traffic.Sizes);
        traffic.CheckBurst(200, 60);
        Assert.Equal(0, l2fwd.Terminate());
    }

    public sealed class Fixture() : GuestFixture(new GuestOptions { Nics = [NicModel.E1000e, NicModel.VirtioSplit], HasIommu = false })
    {
        private protected override void Prepare(Guest guest)
        {
            guest.LoadModule("vfio", "enable_unsafe_noiommu_mode=1");
            Devbind.BindToVfio(guest, guest.PciAddresses);
        }
    }
}
