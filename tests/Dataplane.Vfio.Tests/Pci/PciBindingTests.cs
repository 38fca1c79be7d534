using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vfio.Pci;

namespace Dataplane.Vfio.Tests.Pci;

public sealed class PciBindingTests : IDisposable
{
    private const string Nic = "0000:01:00.0";

    private readonly FakeMachine _machine = new();
    private readonly FakePciKernel _kernel;
    private readonly PciBinding _binding;

    public PciBindingTests()
    {
        new FakePciFunction(Nic) { Group = 7 }.AddTo(_machine);
        _kernel = new FakePciKernel(_machine).Load("ixgbe", "8086:10fb").Load("vfio-pci");
        _binding = new PciBinding(_kernel, TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public void Binding_to_VFIO_names_the_driver_for_this_device_alone_before_the_device_is_free()
    {
        BindingChange change = _binding.Bind(Nic, "vfio-pci");

        Assert.Equal(new BindingChange(Nic, "ixgbe", "vfio-pci"), change);
        Assert.Equal("vfio-pci", _kernel.DriverOf(Nic));
        Assert.Equal(
            [
                $"devices/{Nic}/driver_override = vfio-pci",
                $"drivers/ixgbe/unbind = {Nic}",
                $"drivers/vfio-pci/bind = {Nic}",
            ],
            _kernel.Writes);
    }

    [Fact]
    public void Binding_to_the_driver_that_has_the_device_writes_nothing()
    {
        Assert.Equal(new BindingChange(Nic, "ixgbe", "ixgbe"), _binding.Bind(Nic, "ixgbe"));
        Assert.Empty(_kernel.Writes);
    }

    [Fact]
    public void Binding_to_a_kernel_driver_leaves_the_choice_of_devices_to_the_driver()
    {
        _binding.Bind(Nic, "vfio-pci");

        Assert.Equal(new BindingChange(Nic, "vfio-pci", "ixgbe"), _binding.Bind(Nic, "ixgbe"));
        Assert.Equal("(null)", _kernel.OverrideOf(Nic));
    }

    [Fact]
    public void A_driver_that_does_not_know_the_device_leaves_it_with_its_old_one()
    {
        _kernel.Load("e1000e", "8086:10d3");

        var error = Assert.Throws<DataplaneException>(() => _binding.Bind(Nic, "e1000e"));

        Assert.Equal(
            "Cannot bind 0000:01:00.0 to e1000e (No such device; it is with ixgbe); the kernel's log says why: 'dmesg | grep 0000:01:00.0'",
            error.Message);
        Assert.Equal("ixgbe", _kernel.DriverOf(Nic));
    }

    [Fact]
    public void A_device_that_VFIO_refuses_goes_back_to_its_old_driver()
    {
        _kernel.ProbeErrors["vfio-pci"] = Errno.EINVAL;

        var error = Assert.Throws<DataplaneException>(() => _binding.Bind(Nic, "vfio-pci"));

        Assert.Equal("Cannot bind 0000:01:00.0 to vfio-pci (Invalid argument; it is with ixgbe)", error.Problem);
        Assert.Equal(("ixgbe", "(null)"), (_kernel.DriverOf(Nic), _kernel.OverrideOf(Nic)));
    }

    [Fact]
    public void A_device_that_nobody_takes_is_reported_to_be_without_a_driver()
    {
        _kernel.ProbeErrors["vfio-pci"] = Errno.EINVAL;
        _kernel.ProbeErrors["ixgbe"] = Errno.ENOMEM;

        var error = Assert.Throws<DataplaneException>(() => _binding.Bind(Nic, "vfio-pci"));

        Assert.Equal("Cannot bind 0000:01:00.0 to vfio-pci (Invalid argument; it is without a driver now)", error.Problem);
    }

    [Fact]
    public void A_device_that_its_driver_does_not_let_go_may_be_any_drivers_again()
    {
        _kernel.Clinging.Add("ixgbe");

        var error = Assert.Throws<DataplaneException>(() => _binding.Bind(Nic, "vfio-pci"));

        Assert.Equal("Cannot take 0000:01:00.0 from ixgbe: it still has the device", error.Problem);
        Assert.Equal("(null)", _kernel.OverrideOf(Nic));
    }

    [Fact]
    public void A_refused_write_says_who_may()
    {
        _kernel.WriteError = Errno.EACCES;

        var error = Assert.Throws<DataplaneException>(() => _binding.Bind(Nic, "vfio-pci"));

        Assert.Equal(
            "Cannot set the driver_override of 0000:01:00.0: Permission denied; "
            + "bind devices as root, on the host itself or in a container with a writable /sys",
            error.Message);
    }

    [Fact]
    public void Unbinding_leaves_neither_driver_nor_override()
    {
        _binding.Bind(Nic, "vfio-pci");

        Assert.Equal(new BindingChange(Nic, "vfio-pci", null), _binding.Unbind(Nic));
        Assert.Null(_kernel.DriverOf(Nic));
        Assert.Equal("(null)", _kernel.OverrideOf(Nic));
        Assert.Equal(new BindingChange(Nic, null, null), _binding.Unbind(Nic));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Restoring_gives_the_device_to_the_driver_that_knows_it(bool unboundBefore)
    {
        _binding.Bind(Nic, "vfio-pci");
        if (unboundBefore)
            _binding.Unbind(Nic);

        Assert.Equal(new BindingChange(Nic, unboundBefore ? null : "vfio-pci", "ixgbe"), _binding.Restore(Nic));
        Assert.Equal(("ixgbe", "(null)"), (_kernel.DriverOf(Nic), _kernel.OverrideOf(Nic)));
    }

    [Fact]
    public void Restoring_a_device_that_is_with_its_kernel_driver_leaves_it_there()
    {
        Assert.Equal(new BindingChange(Nic, "ixgbe", "ixgbe"), _binding.Restore(Nic));
        Assert.Equal([$"devices/{Nic}/driver_override = "], _kernel.Writes);
    }

    [Fact]
    public void Restoring_names_the_module_to_load_if_no_driver_takes_the_device()
    {
        new FakePciFunction("0000:02:00.0") { Id = "8086:1572", Driver = "vfio-pci" }.AddTo(_machine);
        _machine["/proc/sys/kernel/osrelease"] = "6.1.0-56-amd64";
        _machine["/lib/modules/6.1.0-56-amd64/modules.alias"] = """
            # Aliases extracted from modules themselves.
            alias pci:v00008086d00001572sv*sd*bc*sc*i* i40e
            alias pci:v00008086d000010FBsv*sd*bc*sc*i* ixgbe
            alias vfio_pci:v00008086d00001572sv*sd*bc*sc*i* i40e_vfio_pci
            """;

        var error = Assert.Throws<DataplaneException>(() => _binding.Restore("0000:02:00.0"));

        Assert.Equal(
            "No kernel driver that is loaded takes 0000:02:00.0, which is without a driver now; run 'modprobe i40e'", error.Message);
    }

    [Fact]
    public void Restoring_says_so_if_VFIO_takes_the_device_again_by_its_ids()
    {
        _kernel.Load("vfio-pci", "8086:1572");
        new FakePciFunction("0000:02:00.0") { Id = "8086:1572", Driver = "vfio-pci" }.AddTo(_machine);

        var error = Assert.Throws<DataplaneException>(() => _binding.Restore("0000:02:00.0"));

        Assert.Equal(
            "0000:02:00.0 is with vfio-pci again, which was told to take all devices with these ids; "
            + "run 'echo 8086 1572 > /sys/bus/pci/drivers/vfio-pci/remove_id' and try again",
            error.Message);
    }

    [Fact]
    public void A_virtual_function_is_bound_like_any_other()
    {
        const string Vf = "0000:01:10.0";
        new FakePciFunction(Vf) { Id = "8086:10ed", Driver = null, PhysicalFunction = Nic, Group = 8 }.AddTo(_machine);

        Assert.Equal(new BindingChange(Vf, null, "vfio-pci"), _binding.Bind(Vf, "vfio-pci"));
        Assert.Equal("ixgbe", _kernel.DriverOf(Nic));
    }

    public void Dispose() => _machine.Dispose();
}
