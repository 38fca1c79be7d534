using Dataplane.Testing;
using Dataplane.Vfio.Devices;
using Dataplane.Vfio.Pci;

namespace Dataplane.Vfio.Tests.Pci;

public sealed class PciInventoryTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    [Fact]
    public void A_function_has_what_sysfs_says_of_it()
    {
        new FakePciFunction("0000:01:00.0")
        {
            Group = 7,
            NumaNode = 1,
            Interfaces = ["ens1f0"],
            VirtualFunctions = ["0000:01:10.0"],
        }.AddTo(_machine);
        new FakePciFunction("0000:01:00.1") { Group = 7, Driver = null }.AddTo(_machine);

        PciDevice device = Read("0000:01:00.0")!;

        Assert.Equal("0000:01:00.0", device.Address);
        Assert.Equal(new PciId(0x8086, 0x10fb), device.Id);
        Assert.Equal(new PciId(0x8086, 0x0003), device.SubsystemId);
        Assert.Equal(0x020000, device.Class);
        Assert.True(device.IsNetworkController);
        Assert.Equal("ixgbe", device.Driver);
        Assert.Null(device.DriverOverride);
        Assert.Equal(1, device.NumaNode);
        Assert.Equal(7, device.IommuGroup);
        Assert.Equal(["0000:01:00.1"], device.GroupNeighbours);
        Assert.Equal(["ens1f0"], device.Interfaces);
        Assert.Equal(["0000:01:10.0"], device.VirtualFunctions);
        Assert.Equal("pci:v00008086d000010FBsv00008086sd00000003bc02sc00i00", device.ModuleAlias);
    }

    [Fact]
    public void A_function_without_driver_IOMMU_node_and_interfaces_has_none()
    {
        new FakePciFunction("0000:01:00.0") { Driver = null }.AddTo(_machine);

        PciDevice device = Read("0000:01:00.0")!;

        Assert.Null(device.Driver);
        Assert.Null(device.IommuGroup);
        Assert.Null(device.PhysicalFunction);
        Assert.Equal(-1, device.NumaNode);
        Assert.Empty(device.GroupNeighbours);
        Assert.Empty(device.VirtualFunctions);
        Assert.Empty(device.Interfaces);
    }

    [Fact]
    public void A_driver_override_is_told_from_the_kernels_word_for_none()
    {
        new FakePciFunction("0000:01:00.0").AddTo(_machine);
        _machine["/sys/bus/pci/devices/0000:01:00.0/driver_override"] = "vfio-pci";

        Assert.Equal("vfio-pci", Read("0000:01:00.0")!.DriverOverride);
    }

    [Fact]
    public void Virtual_functions_are_in_the_order_of_their_numbers()
    {
        string[] addresses = [.. Enumerable.Range(0, 12).Select(i => $"0000:01:{16 + (i / 8):x2}.{i % 8}")];
        new FakePciFunction("0000:01:00.0") { VirtualFunctions = addresses }.AddTo(_machine);
        new FakePciFunction(addresses[3]) { PhysicalFunction = "0000:01:00.0" }.AddTo(_machine);

        Assert.Equal(addresses, Read("0000:01:00.0")!.VirtualFunctions);
        Assert.Equal("0000:01:00.0", Read(addresses[3])!.PhysicalFunction);
    }

    [Fact]
    public void The_interface_of_a_virtio_device_is_found_below_its_virtio_device()
    {
        new FakePciFunction("0000:00:03.0") { Id = "1af4:1041", Driver = "virtio-pci", Interfaces = ["eth0"] }.AddTo(_machine);

        Assert.Equal(["eth0"], Read("0000:00:03.0")!.Interfaces);
    }

    [Fact]
    public void Network_controllers_are_those_of_class_2_by_address_and_long_domains_last()
    {
        new FakePciFunction("10000:01:00.0").AddTo(_machine);
        new FakePciFunction("0000:81:00.0").AddTo(_machine);
        new FakePciFunction("0000:02:00.0") { Class = 0x028000 }.AddTo(_machine);
        new FakePciFunction("0000:00:02.0") { Class = 0x010000 }.AddTo(_machine);

        Assert.Equal(
            ["0000:02:00.0", "0000:81:00.0", "10000:01:00.0"],
            new PciInventory(_machine.Files).NetworkControllers().Select(device => device.Address));
    }

    [Fact]
    public void A_machine_without_PCI_has_no_network_controllers()
    {
        Assert.Empty(new PciInventory(_machine.Files).NetworkControllers());
        Assert.Null(Read("0000:01:00.0"));
    }

    public void Dispose() => _machine.Dispose();

    private PciDevice? Read(string address) => new PciInventory(_machine.Files).Read(address);
}
