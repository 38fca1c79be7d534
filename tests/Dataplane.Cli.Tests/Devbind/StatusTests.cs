using System.Text.Json;
using Dataplane.Testing;

namespace Dataplane.Cli.Tests.Devbind;

public sealed class StatusTests : IDisposable
{
    private readonly FakeMachine _machine = new();

    public StatusTests()
    {
        new FakePciFunction("0000:01:00.0") { Interfaces = ["ens1f0"], NumaNode = 1, VirtualFunctions = ["0000:01:10.0"] }.AddTo(_machine);
        new FakePciFunction("0000:01:00.1") { Interfaces = ["ens1f1"] }.AddTo(_machine);
        new FakePciFunction("0000:01:10.0") { Id = "8086:10ed", Driver = "vfio-pci", Group = 8, PhysicalFunction = "0000:01:00.0" }.AddTo(_machine);
        new FakePciFunction("0000:02:00.0") { Id = "8086:ffff", Driver = null }.AddTo(_machine);
        new FakePciFunction("0000:00:02.0") { Id = "1af4:1042", Class = 0x010000, Driver = "virtio-pci" }.AddTo(_machine);
        _machine["/sys/bus/pci/drivers/vfio-pci/bind"] = "";
        _machine["/proc/sys/kernel/osrelease"] = "6.1.0";
        _machine["/lib/modules/6.1.0/modules.alias"] = """
            alias pci:v00008086d000010FBsv*sd*bc*sc*i* ixgbe
            alias pci:v00008086d000010EDsv*sd*bc*sc*i* ixgbevf
            alias pci:v*d*sv*sd*bc02sc00i* some_ethernet
            """;
        _machine["/proc/net/route"] = "Iface\tDestination\nens1f0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0";
        _machine["/usr/share/misc/pci.ids"] = """
            # PCI ids
            8086  Intel Corporation
            	10ed  82599 Ethernet Controller Virtual Function
            	10fb  82599ES 10-Gigabit SFI/SFP+ Network Connection
            		8086 0003  Ethernet Server Adapter X520-2
            C 02  Network controller
            	00  Ethernet controller
            """;
    }

    [Fact]
    public void The_table_has_the_headings_and_words_that_scripts_look_for() => CommandRun.Of(_machine.Files, "devbind --status").AssertPrints("""

        Network devices using DPDK-compatible driver
        ============================================
        0000:01:10.0 '82599 Ethernet Controller Virtual Function 10ed' drv=vfio-pci unused=ixgbevf,some_ethernet

        Network devices using kernel driver
        ===================================
        0000:01:00.0 '82599ES 10-Gigabit SFI/SFP+ Network Connection 10fb' if=ens1f0 drv=ixgbe unused=some_ethernet,vfio-pci *Active*
        0000:01:00.1 '82599ES 10-Gigabit SFI/SFP+ Network Connection 10fb' if=ens1f1 drv=ixgbe unused=some_ethernet,vfio-pci

        Other Network devices
        =====================
        0000:02:00.0 'Device ffff' unused=some_ethernet,vfio-pci

        """);

    [Fact]
    public void The_table_can_be_of_a_few_devices()
    {
        string output = CommandRun.Of(_machine.Files, "devbind --status ens1f1 02:00.0").Output;

        Assert.Equal(2, output.Split('\n').Count(line => line.StartsWith("0000:", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_machine_without_devices_says_so()
    {
        using var empty = new FakeMachine();

        CommandRun.Of(empty.Files, "devbind -s").AssertPrints("\nNo 'Network' devices detected\n=============================\n");
        CommandRun.Of(empty.Files, "devbind -s --json").AssertPrints("[]\n");
    }

    [Fact]
    public void JSON_has_everything_that_is_known_of_a_device()
    {
        CommandRun run = CommandRun.Of(_machine.Files, "devbind --status --json");
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] devices = [.. document.RootElement.EnumerateArray()];

        Assert.Equal(
            ["0000:01:00.0", "0000:01:00.1", "0000:01:10.0", "0000:02:00.0"],
            devices.Select(device => device.GetProperty("address").GetString()));
        JsonElement physical = devices[0];
        Assert.Equal("8086 10fb 8086 0003", Text(physical, "vendor_id", "device_id", "subsystem_vendor_id", "subsystem_device_id"));
        Assert.Equal("ixgbe", Text(physical, "driver"));
        Assert.Equal(1, physical.GetProperty("numa_node").GetInt32());
        Assert.Equal("0000:01:10.0", Assert.Single(physical.GetProperty("virtual_functions").EnumerateArray()).GetString());
        JsonElement iface = Assert.Single(physical.GetProperty("interfaces").EnumerateArray());
        Assert.Equal("ens1f0", Text(iface, "name"));
        Assert.True(iface.GetProperty("is_up").GetBoolean() && iface.GetProperty("has_routes").GetBoolean());
        Assert.False(iface.GetProperty("has_default_route").GetBoolean());
        Assert.Equal(8, devices[2].GetProperty("iommu_group").GetInt32());
        Assert.Equal("0000:01:00.0", Text(devices[2], "physical_function"));
        Assert.Equal(JsonValueKind.Null, devices[3].GetProperty("driver").ValueKind);
        Assert.Equal(JsonValueKind.Null, devices[3].GetProperty("iommu_group").ValueKind);
    }

    public void Dispose() => _machine.Dispose();

    private static string Text(JsonElement element, params string[] names) =>
        string.Join(' ', names.Select(name => element.GetProperty(name).GetString()));
}
