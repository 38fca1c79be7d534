using Dataplane.Linux;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests.Devbind;

public sealed class DevbindTests : IDisposable
{
    private const string First = "0000:01:00.0";
    private const string Second = "0000:01:00.1";

    private readonly FakeMachine _machine = new();
    private readonly FakePciKernel _kernel;

    public DevbindTests()
    {
        new FakePciFunction(First) { Group = 7, Interfaces = ["eth1"] }.AddTo(_machine);
        new FakePciFunction(Second) { Group = 8, Interfaces = ["eth2"] }.AddTo(_machine);
        _kernel = new FakePciKernel(_machine).Load("ixgbe", "8086:10fb").Load("vfio-pci");
    }

    [Theory]
    [InlineData("--bind vfio-pci 0000:01:00.0 01:00.1")]
    [InlineData("--bind=vfio-pci eth1 eth2")]
    [InlineData("-b vfio-pci 01:00.*")]
    [InlineData("01:00.0 01:00.1 01:00.0 -b vfio-pci")]
    public void Devices_are_bound_by_address_interface_and_wildcard(string arguments)
    {
        Run(arguments).AssertPrints(
            $"{First} is bound to vfio-pci now; it was with ixgbe; programs open /dev/vfio/7\n"
            + $"{Second} is bound to vfio-pci now; it was with ixgbe; programs open /dev/vfio/8\n");
        Assert.Equal(("vfio-pci", "vfio-pci"), (_kernel.DriverOf(First), _kernel.DriverOf(Second)));
    }

    [Fact]
    public void Binding_again_says_that_nothing_was_to_do()
    {
        Run("--bind vfio-pci eth1");

        Run($"--bind vfio-pci {First}").AssertPrints($"{First} is bound to vfio-pci already; programs open /dev/vfio/7\n");
    }

    [Fact]
    public void The_node_of_a_device_without_IOMMU_has_another_name()
    {
        _machine["/dev/vfio/noiommu-7"] = "";

        Assert.Contains("programs open /dev/vfio/noiommu-7\n", Run("--bind vfio-pci eth1").Output);
    }

    [Theory]
    [InlineData("--unbind")]
    [InlineData("-u")]
    [InlineData("--bind none")]
    public void Devices_are_unbound(string action)
    {
        Run($"{action} eth1").AssertPrints($"{First} has no driver now; it was with ixgbe\n");
        Run($"{action} {First}").AssertPrints($"{First} has no driver, as before\n");
    }

    [Fact]
    public void Devices_are_given_back_to_the_kernel()
    {
        Run("--bind vfio-pci eth1");
        Run("--unbind eth2");

        Run($"--restore {First} {Second}").AssertPrints(
            $"{First} is bound to ixgbe now; it was with vfio-pci\n{Second} is bound to ixgbe now; it had no driver\n");
    }

    [Fact]
    public void All_devices_are_checked_before_the_first_is_changed()
    {
        new FakePciFunction("0000:02:00.0") { Interfaces = ["eth3"] }.AddTo(_machine);
        _machine["/proc/net/route"] = "Iface\tDestination\neth2\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";

        CommandRun run = Run("--bind vfio-pci eth1 eth2 eth3");

        run.AssertFails(
            $"dataplane: {Second} carries the default route of this machine (interface eth2)\n"
            + "  Remedy: give --force if you mean it\n"
            + "dataplane: 0000:02:00.0 is in no IOMMU group, so vfio-pci does not take it\n"
            + "  Remedy: switch the IOMMU on, in the firmware and with intel_iommu=on on the kernel's command line "
            + "(AMD's and Arm's need no option), since this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)\n"
            + "Nothing was changed.\n");
        Assert.Empty(_kernel.Writes);
    }

    [Fact]
    public void What_was_done_before_a_failure_is_said_and_what_comes_behind_it_is_done()
    {
        _kernel.Load("e1000e", "8086:10d3");
        new FakePciFunction("0000:02:00.0") { Id = "8086:10d3", Driver = null }.AddTo(_machine);

        CommandRun run = Run("--bind e1000e eth1 02:00.0");

        Assert.Equal(1, run.ExitCode);
        Assert.Equal("0000:02:00.0 is bound to e1000e now; it had no driver\n", run.Output);
        Assert.Equal(
            $"dataplane: Cannot bind {First} to e1000e (No such device; it is with ixgbe)\n"
            + $"  Remedy: the kernel's log says why: 'dmesg | grep {First}'\n",
            run.Errors);
    }

    [Fact]
    public void A_forced_binding_takes_a_device_that_carries_the_default_route()
    {
        _machine["/proc/net/route"] = "Iface\tDestination\neth2\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";

        Assert.Equal(0, Run("--bind vfio-pci --force eth2").ExitCode);
        Assert.Equal("vfio-pci", _kernel.DriverOf(Second));
    }

    [Fact]
    public void A_forced_unbinding_names_the_program_that_is_waited_for()
    {
        Run("--bind vfio-pci eth1");
        _machine["/proc/4711/comm"] = "l2fwd";
        _machine.Link("/proc/4711/fd/9", "/dev/vfio/7");

        Run($"--unbind {First}").AssertFails(
            $"dataplane: {First} is in use by process 4711 (l2fwd)\n"
            + "  Remedy: end it first; with --force it is asked to let the device go, and waited for\n"
            + "Nothing was changed.\n");
        CommandRun run = Run($"--unbind --force {First}");

        Assert.Equal((0, $"Notice: waiting for process 4711 (l2fwd) to let {First} go\n"), (run.ExitCode, run.Errors));
        Assert.Null(_kernel.DriverOf(First));
    }

    [Fact]
    public void A_group_that_is_not_complete_is_a_notice()
    {
        new FakePciFunction("0000:03:00.0") { Group = 9 }.AddTo(_machine);
        new FakePciFunction("0000:03:00.1") { Group = 9 }.AddTo(_machine);

        CommandRun run = Run("--bind vfio-pci 03:00.0");

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(
            "Notice: 0000:03:00.0 shares the IOMMU group 9 with 0000:03:00.1 (8086:10fb, driver ixgbe); "
            + "it can be used when those are bound to vfio-pci or unbound as well\n",
            run.Errors);
        Assert.Equal("", Run("--bind vfio-pci 03:00.1").Errors);
    }

    [Theory]
    [InlineData("--bind vfio_pci eth1", "The kernel driver vfio_pci is not loaded|run 'modprobe vfio_pci', or did you mean vfio-pci?")]
    [InlineData("--unbind 05:00.0", "There is no PCI device 0000:05:00.0|the network devices are 0000:01:00.0 (eth1), 0000:01:00.1 (eth2)")]
    [InlineData("--unbind 05:00.*", "No network device has an address like '05:00.*'|the network devices are 0000:01:00.0 (eth1), 0000:01:00.1 (eth2)")]
    [InlineData("--restore eth9", "'eth9' is neither the address nor an interface of a network device|the network devices are 0000:01:00.0 (eth1), 0000:01:00.1 (eth2)")]
    public void What_is_not_there_is_refused_with_what_is(string arguments, string sentence)
    {
        string[] parts = sentence.Split('|');

        Run(arguments).AssertFails($"dataplane: {parts[0]}\n  Remedy: {parts[1]}\n");
        Assert.Empty(_kernel.Writes);
    }

    [Fact]
    public void A_write_that_the_kernel_refuses_says_who_may()
    {
        _kernel.WriteError = Errno.EPERM;

        CommandRun run = Run("--restore eth1 eth2");

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith(
            $"dataplane: Cannot set the driver_override of {First}: Operation not permitted\n"
            + "  Remedy: bind devices as root, on the host itself or in a container with a writable /sys\n"
            + $"dataplane: Cannot set the driver_override of {Second}:",
            run.Errors);
    }

    [Fact]
    public void The_status_behind_a_change_shows_what_has_become_of_all()
    {
        string output = Run("--bind vfio-pci --status eth1").Output;

        Assert.Contains("DPDK-compatible driver\n============================================\n0000:01:00.0 ", output);
        Assert.Contains("kernel driver\n===================================\n0000:01:00.1 ", output);
    }

    public void Dispose() => _machine.Dispose();

    private CommandRun Run(string arguments) => CommandRun.Of(_kernel, $"devbind {arguments}");
}
