using System.Text.Json;
using Dataplane.Testing;
using Dataplane.Vm.Tests.Rig;
using Xunit.Abstractions;

namespace Dataplane.Vm.Tests.Binding;

/// <summary><c>dataplane devbind</c> on a real kernel.</summary>
public class DevbindTests(DevbindTests.Fixture fixture, ITestOutputHelper output) : GuestTests<DevbindTests.Fixture>(fixture, output)
{
    private string First => Guest.PciAddresses[0];

    private string Second => Guest.PciAddresses[1];

    [Fact]
    public void It_gives_a_NIC_to_VFIO_and_back_to_the_kernel()
    {
        Assert.Matches($"\\n{First} '.* 10d3' if=eth[0-9] drv=e1000e unused=vfio-pci\\n", Status());

        string bound = Guest.Run(Devbind.Command($"--bind vfio-pci {First}"));
        Assert.Matches($"{First} is bound to vfio-pci now; it was with e1000e; programs open /dev/vfio/[0-9]+\\n", bound);
        Assert.Matches($"Network devices using DPDK-compatible driver\\n=+\\n{First} '.* 10d3' drv=vfio-pci unused=", Status());
        Assert.NotEmpty(Guest.Run("ls /dev/vfio"));

        Assert.Equal($"{First} has no driver now; it was with vfio-pci\n", Guest.Run(Devbind.Command($"--unbind {First}")));
        Assert.Matches($"Other Network devices\\n=+\\n{First} ", Status());

        Assert.Equal($"{First} is bound to e1000e now; it had no driver\n", Guest.Run(Devbind.Command($"--restore {First}")));
    }

    [Fact]
    public void Status_as_JSON_has_every_NIC()
    {
        using var document = JsonDocument.Parse(Guest.Run(Devbind.Command("--status --json")));
        Assert.Equal(
            Guest.PciAddresses, document.RootElement.EnumerateArray().Select(device => device.GetProperty("address").GetString()));
    }

    [Fact]
    public void The_NIC_of_the_default_route_is_given_away_by_force_only()
    {
        string iface = Guest.Run($"ls /sys/bus/pci/devices/{Second}/net").Trim();
        Guest.Run($"ip link set {iface} up; ip addr add 192.0.2.1/24 dev {iface}; ip route add default via 192.0.2.2");

        ShellResult refused = Guest.TryRun(Devbind.Command($"--bind vfio-pci {iface}"));
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains($"{Second} carries the default route of this machine (interface {iface})", refused.Error, StringComparison.Ordinal);

        Assert.Contains($"{Second} is bound to vfio-pci now", Guest.Run(Devbind.Command($"--force --bind vfio-pci {iface}")), StringComparison.Ordinal);
        Assert.Contains($"{Second} is bound to e1000e now", Guest.Run(Devbind.Command($"--restore {Second}")), StringComparison.Ordinal);
    }

    private string Status() => Guest.Run(Devbind.Command("--status"));

    public sealed class Fixture() : GuestFixture(new GuestOptions { Nics = [NicModel.E1000e, NicModel.E1000e] })
    {
        private protected override void Prepare(Guest guest)
        {
            guest.LoadModule("e1000e");
            guest.LoadModule("vfio-pci");
        }
    }
}
