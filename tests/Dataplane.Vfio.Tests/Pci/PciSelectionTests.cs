using Dataplane.Eal;
using Dataplane.Testing;
using Dataplane.Vfio.Pci;

namespace Dataplane.Vfio.Tests.Pci;

public sealed class PciSelectionTests : IDisposable
{
    private const string First = "0000:01:00.0";
    private const string Second = "0000:02:00.0";
    private const string Third = "0000:03:00.0";
    private const string Disk = "0000:00:02.0";

    private readonly FakeMachine _machine = new();
    private readonly Dictionary<string, string> _environment = [];

    public PciSelectionTests()
    {
        new FakePciFunction(Third) { Driver = null }.AddTo(_machine);
        new FakePciFunction(First).AddTo(_machine);
        new FakePciFunction(Second) { Driver = "vfio-pci" }.AddTo(_machine);
        new FakePciFunction(Disk) { Id = "1af4:1042", Class = 0x010000, Driver = "virtio-pci" }.AddTo(_machine);
    }

    [Fact]
    public void Without_options_all_network_controllers_are_looked_at_by_address()
    {
        IReadOnlyList<SelectedDevice> devices = Choose();

        Assert.Equal([First, Second, Third], Addresses(devices));
        Assert.All(devices, device => Assert.Equal(DeviceChoice.Found, device.Choice));
    }

    [Fact]
    public void Allowed_devices_come_in_the_order_of_the_options_with_their_devargs()
    {
        IReadOnlyList<SelectedDevice> devices = Choose("-a", "03:00.0,vectors=4", "-a", "0000:01:00.0");

        Assert.Equal([Third, First], Addresses(devices));
        Assert.Equal("4", devices[0].Arguments.Get("vectors"));
        Assert.Empty(devices[1].Arguments.Keys);
        Assert.All(devices, device => Assert.Equal(DeviceChoice.Named, device.Choice));
    }

    [Fact]
    public void Blocked_devices_are_left_out() => Assert.Equal([First, Third], Addresses(Choose("-b", "2:0.0")));

    [Fact]
    public void Without_the_bus_there_are_no_devices() => Assert.Empty(Choose("--no-pci"));

    [Theory]
    [InlineData("-A")]
    [InlineData("--no-auto-probing")]
    public void Without_auto_probing_only_devices_that_are_named_are_used(string option)
    {
        _environment["PCIDEVICE_INTEL_COM_NICS"] = Second;

        Assert.Empty(Choose(option));
        Assert.Equal([First], Addresses(Choose(option, "-a", First)));
    }

    [Fact]
    public void An_allowed_device_that_is_not_there_is_refused_with_those_that_are()
    {
        var error = Assert.Throws<DataplaneException>(() => Choose("-a", "09:00.0,vectors=4"));

        Assert.Equal(
            "There is no PCI device 0000:09:00.0, which -a 0000:09:00.0,vectors=4 names; the network controllers are "
            + "0000:01:00.0 (8086:10fb, driver ixgbe), 0000:02:00.0 (8086:10fb, driver vfio-pci), 0000:03:00.0 (8086:10fb, no driver)",
            error.Message);
    }

    [Fact]
    public void An_allowed_device_of_another_kind_is_refused()
    {
        var error = Assert.Throws<DataplaneException>(() => Choose("-a", Disk));

        Assert.StartsWith(
            "0000:00:02.0, which -a 0000:00:02.0 names, is no network controller (class 0x010000); the network", error.Message);
    }

    [Fact]
    public void On_a_machine_without_network_controllers_the_refusal_says_where_pods_get_them()
    {
        using var empty = new FakeMachine();

        var error = Assert.Throws<DataplaneException>(() => PciSelection.Choose(
            EalCommandLine.Parse(["-a", First]).Options, new PciInventory(empty.Files), _environment));

        Assert.EndsWith("; there are no network controllers in /sys/bus/pci/devices; a pod gets them from the SR-IOV device plugin", error.Message);
    }

    [Fact]
    public void A_device_that_is_allowed_twice_is_refused()
    {
        var error = Assert.Throws<CommandLineException>(() => Choose("-a", First, "-a", "01:00.0,vectors=4"));

        Assert.Equal("The device 0000:01:00.0 is given more than once with -a; give it once, with all of its keys", error.Message);
    }

    [Fact]
    public void Devices_of_the_device_plugin_come_in_the_order_of_its_lists_and_replace_the_search()
    {
        _environment["PCIDEVICE_INTEL_COM_SOUTH"] = "0000:02:00.0";
        _environment["PCIDEVICE_INTEL_COM_NORTH"] = "0000:03:00.0, 0000:01:00.0";
        _environment["PATH"] = "/bin";

        IReadOnlyList<SelectedDevice> devices = Choose();

        Assert.Equal([Third, First, Second], Addresses(devices));
        Assert.All(devices, device => Assert.Equal(DeviceChoice.Offered, device.Choice));
    }

    [Fact]
    public void What_the_device_plugin_says_beyond_addresses_of_network_controllers_is_passed_over()
    {
        _environment["PCIDEVICE_INTEL_COM_NICS"] = $"{Second},{Second}";
        _environment["PCIDEVICE_INTEL_COM_NICS_INFO"] =
            """{"0000:02:00.0":{"generic":{"deviceID":"0000:02:00.0"},"vfio":{"dev-mount":"/dev/vfio/206","mount":"/dev/vfio/vfio"}}}""";
        _environment["PCIDEVICE_NVIDIA_COM_SF"] = "mlx5_core.sf.4";
        _environment["PCIDEVICE_INTEL_COM_QAT"] = Disk;
        _environment["PCIDEVICE_INTEL_COM_NONE"] = "";

        Assert.Equal([Second], Addresses(Choose()));
    }

    [Fact]
    public void Allowed_devices_override_those_of_the_device_plugin()
    {
        _environment["PCIDEVICE_INTEL_COM_NICS"] = Second;

        Assert.Equal([First], Addresses(Choose("-a", First)));
    }

    [Fact]
    public void Blocked_devices_of_the_device_plugin_are_left_out()
    {
        _environment["PCIDEVICE_INTEL_COM_NICS"] = $"{Second},{First}";

        Assert.Equal([First], Addresses(Choose("-b", Second)));
    }

    [Fact]
    public void A_device_of_the_device_plugin_that_is_not_there_is_refused_by_the_name_of_the_variable()
    {
        _environment["PCIDEVICE_INTEL_COM_NICS"] = "0000:09:00.0";

        var error = Assert.Throws<DataplaneException>(() => Choose());

        Assert.StartsWith(
            "There is no PCI device 0000:09:00.0, which the environment variable PCIDEVICE_INTEL_COM_NICS names; the network", error.Message);
    }

    public void Dispose() => _machine.Dispose();

    private IReadOnlyList<SelectedDevice> Choose(params string[] arguments) =>
        PciSelection.Choose(EalCommandLine.Parse(arguments).Options, new PciInventory(_machine.Files), _environment);

    private static IEnumerable<string> Addresses(IReadOnlyList<SelectedDevice> devices) => devices.Select(device => device.Device.Address);
}
