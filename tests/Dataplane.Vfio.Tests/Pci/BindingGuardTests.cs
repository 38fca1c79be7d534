using Dataplane.Testing;
using Dataplane.Vfio.Pci;

namespace Dataplane.Vfio.Tests.Pci;

public sealed class BindingGuardTests : IDisposable
{
    private const string Nic = "0000:01:00.0";
    private const string NoIommuSwitch = "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode";
    private const string RoutesHeader = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    private const string DefaultRoute = "{0}\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
    private const string SubnetRoute = "{0}\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
    private const string LinkLocalRoute = "{0}\t0000FEA9\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
    private const string DefaultRoute6 =
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        + "fd000000000000000000000000000001 00000400 00000002 00000000 00000003     {0}\n";

    private const string RejectedRoute6 =
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        + "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       {0}\n";

    private const string LinkLocalRoute6 =
        "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
        + "00000000000000000000000000000000 00000100 00000002 00000000 00000001     {0}\n";

    private readonly FakeMachine _machine = new();

    public BindingGuardTests()
    {
        _machine["/sys/bus/pci/drivers/vfio-pci/bind"] = "";
        _machine["/sys/bus/pci/drivers/ixgbe/bind"] = "";
        Add(new FakePciFunction(Nic) { Group = 7, Interfaces = ["ens1"] });
    }

    [Fact]
    public void A_device_that_nobody_uses_may_be_bound()
    {
        Routes(SubnetRoute, "eth0");

        Guard().CheckBind(Read(), "vfio-pci");
    }

    [Theory]
    [InlineData(DefaultRoute, "")]
    [InlineData("", DefaultRoute6)]
    public void A_device_that_carries_a_default_route_is_refused_unless_forced(string route, string route6)
    {
        Routes(route, "ens1", route6);

        DataplaneException error = RefusesBind();

        Assert.Equal(
            "0000:01:00.0 carries the default route of this machine (interface ens1); give --force if you mean it", error.Message);
        Guard(force: true).CheckBind(Read(), "vfio-pci");
    }

    [Fact]
    public void A_device_whose_interface_is_up_and_has_routes_is_refused()
    {
        Routes(SubnetRoute, "ens1");

        Assert.Equal(
            "0000:01:00.0 is in use: its interface ens1 is up and has routes; run 'ip link set ens1 down', or give --force if you mean it",
            RefusesBind().Message);
    }

    [Theory]
    [InlineData("10.1.0.0/16", "dev", "inside")]
    [InlineData("default", "via", "10.9.0.2")]
    [InlineData("10.1.0.0/16", "nexthop", "via", "10.9.0.2", "nexthop", "via", "10.9.0.3")]
    public void A_device_whose_routes_are_in_another_table_than_the_main_one_is_refused(params string[] route)
    {
        using NetworkNamespace kernel = WithInterface();
        kernel.Ip(["route", "add", "table", "100", .. route]);
        kernel.Ip("route", "del", "10.9.0.0/16", "dev", "inside");

        Assert.Contains("its interface ens1 is up and has routes", kernel.Invoke(RefusesBind).Message);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("10")]
    public void A_device_whose_routes_name_it_by_a_nexthop_object_alone_is_refused(string nextHop)
    {
        using NetworkNamespace kernel = WithInterface();
        kernel.Run("sysctl", "-qw", "net.ipv4.nexthop_compat_mode=0");
        kernel.Ip("nexthop", "add", "id", "1", "via", "10.9.0.2", "dev", "inside");
        kernel.Ip("nexthop", "add", "id", "2", "via", "10.9.0.3", "dev", "inside");
        kernel.Ip("nexthop", "add", "id", "10", "group", "1/2");
        kernel.Ip("route", "add", "default", "nhid", nextHop, "table", "100");
        kernel.Ip("route", "del", "10.9.0.0/16", "dev", "inside");

        Assert.Contains("its interface ens1 is up and has routes", kernel.Invoke(RefusesBind).Message);
    }

    [Fact]
    public void Addresses_and_link_local_routes_in_other_tables_do_not_count()
    {
        using NetworkNamespace kernel = WithInterface();
        kernel.Ip("route", "del", "10.9.0.0/16", "dev", "inside");
        kernel.Ip("route", "add", "169.254.0.0/16", "dev", "inside", "table", "100");

        kernel.Invoke(() => Guard().CheckBind(Read(), "vfio-pci"));
    }

    [Fact]
    public void Routes_that_the_kernel_makes_for_every_interface_do_not_count()
    {
        Routes(LinkLocalRoute, "ens1", LinkLocalRoute6 + RejectedRoute6);

        Guard().CheckBind(Read(), "vfio-pci");
    }

    [Fact]
    public void A_device_below_the_bond_that_carries_the_default_route_is_refused()
    {
        _machine.Link("/sys/bus/pci/devices/0000:01:00.0/net/ens1/upper_bond0", "../../bond0");
        _machine.Link("/sys/class/net/bond0/upper_bond0.100", "../bond0.100");
        Routes(DefaultRoute, "bond0.100");

        Assert.StartsWith("0000:01:00.0 carries the default route of this machine (interface ens1)", RefusesBind().Message);
    }

    [Fact]
    public void A_device_in_a_switch_is_refused_although_its_routes_are_elsewhere()
    {
        _machine.Link("/sys/bus/pci/devices/0000:01:00.0/net/ens1/upper_ovs-system", "../../../../../virtual/net/ovs-system");
        Routes(DefaultRoute, "br-ex");

        Assert.Equal(
            "0000:01:00.0 is in use: its interface ens1 is up and ovs-system is built on it; "
            + "run 'ip link set ens1 down', or give --force if you mean it",
            RefusesBind().Message);
        _machine["/sys/bus/pci/devices/0000:01:00.0/net/ens1/flags"] = "0x1002";
        Guard().CheckBind(Read(), "vfio-pci");
    }

    [Theory]
    [InlineData("0000:01:00.0/net")]
    [InlineData("0000:01:00.0/virtio0/net")]
    public void A_device_whose_interface_is_in_another_network_namespace_is_refused_unless_forced(string net)
    {
        _machine.Remove("/sys/bus/pci/devices/0000:01:00.0/net");
        _machine.MakeDirectory($"/sys/bus/pci/devices/{net}");

        Assert.Equal(
            "0000:01:00.0 has an interface in another network namespace, where it may be in use; "
            + "run it in that namespace (a pod needs hostNetwork: true to see the host's), or give --force if you mean it",
            RefusesBind().Message);
        Guard(force: true).CheckBind(Read(), "vfio-pci");
    }

    [Fact]
    public void The_device_of_virtio_is_known_by_its_interface_too()
    {
        Add(new FakePciFunction("0000:00:03.0") { Id = "1af4:1041", Driver = "virtio-pci", Interfaces = ["eth0"], Group = 1 });
        Routes(DefaultRoute, "eth0");

        Assert.Throws<DataplaneException>(() => Guard().CheckBind(Read("0000:00:03.0"), "vfio-pci"));
    }

    [Fact]
    public void A_physical_function_with_virtual_ones_is_refused_unless_forced()
    {
        Add(new FakePciFunction(Nic) { Group = 7, VirtualFunctions = ["0000:01:10.0", "0000:01:10.2"] });

        Assert.Equal(
            "0000:01:00.0 has 2 virtual functions, which go away with its driver ixgbe; "
            + "run 'echo 0 > /sys/bus/pci/devices/0000:01:00.0/sriov_numvfs', or give --force if you mean it",
            RefusesBind().Message);
        Guard(force: true).CheckBind(Read(), "vfio-pci");
    }

    [Theory]
    [InlineData("/dev/vfio/7")]
    [InlineData("/dev/vfio/noiommu-7")]
    [InlineData("/vfio/7")]
    public void A_device_that_a_process_has_open_is_refused_with_the_process(string node)
    {
        Add(new FakePciFunction(Nic) { Group = 7, Driver = "vfio-pci" });
        _machine["/proc/4711/comm"] = "l2fwd";
        _machine.Link("/proc/4711/fd/9", node);
        _machine.Link("/proc/4712/fd/9", "/dev/vfio/77");

        var error = Assert.Throws<DataplaneException>(() => Guard().CheckUnbind(Read()));

        Assert.Equal(
            "0000:01:00.0 is in use by process 4711 (l2fwd); end it first; with --force it is asked to let the device go, and waited for",
            error.Message);
        Assert.Throws<DataplaneException>(() => Guard().CheckRestore(Read()));
        Guard(force: true).CheckUnbind(Read());
    }

    [Fact]
    public void A_device_that_is_open_by_iommufd_is_found_by_its_own_node()
    {
        Add(new FakePciFunction(Nic) { Group = 7, Driver = "vfio-pci" });
        _machine["/sys/bus/pci/devices/0000:01:00.0/vfio-dev/vfio3/dev"] = "511:3";
        _machine["/proc/4711/comm"] = "dpdk-testpmd";
        _machine.Link("/proc/4711/fd/9", "/dev/vfio/devices/vfio3");

        Assert.Equal([new VfioHolder(4711, "dpdk-testpmd")], VfioHolder.Find(_machine.Files, Read()));
    }

    [Fact]
    public void A_device_without_IOMMU_group_is_refused_with_what_the_kernel_offers()
    {
        Add(new FakePciFunction("0000:02:00.0") { Interfaces = [] });
        string problem = "0000:02:00.0 is in no IOMMU group, so vfio-pci does not take it; switch the IOMMU on, in the firmware and with "
            + "intel_iommu=on on the kernel's command line (AMD's and Arm's need no option), ";

        Assert.Equal(
            problem + "since this kernel has no no-IOMMU mode (CONFIG_VFIO_NOIOMMU)",
            Assert.Throws<DataplaneException>(() => Guard().CheckBind(Read("0000:02:00.0"), "vfio-pci")).Message);
        _machine[NoIommuSwitch] = "N";
        Assert.Equal(
            problem + $"or do without its protection: 'echo 1 > {NoIommuSwitch}'",
            Assert.Throws<DataplaneException>(() => Guard(force: true).CheckBind(Read("0000:02:00.0"), "vfio-pci")).Message);
        _machine[NoIommuSwitch] = "Y";
        Guard().CheckBind(Read("0000:02:00.0"), "vfio-pci");
    }

    [Fact]
    public void Devices_without_IOMMU_group_may_go_to_a_kernel_driver()
    {
        Add(new FakePciFunction("0000:02:00.0") { Driver = null });

        Guard().CheckBind(Read("0000:02:00.0"), "ixgbe");
    }

    [Fact]
    public void A_device_that_is_no_NIC_is_refused_unless_forced()
    {
        Add(new FakePciFunction("0000:00:02.0") { Id = "1af4:1042", Class = 0x010000, Driver = "virtio-pci", Group = 2 });

        Assert.Equal(
            "0000:00:02.0 is no network controller (class 0x010000); give --force if you mean it",
            Assert.Throws<DataplaneException>(() => Guard().CheckUnbind(Read("0000:00:02.0"))).Message);
        Guard(force: true).CheckUnbind(Read("0000:00:02.0"));
    }

    [Fact]
    public void A_driver_that_is_not_loaded_is_refused_with_the_command_that_loads_it()
    {
        Guard().CheckDriver("vfio-pci");
        Assert.Equal(
            "The kernel driver uio_pci_generic is not loaded; run 'modprobe uio_pci_generic'",
            Assert.Throws<DataplaneException>(() => Guard().CheckDriver("uio_pci_generic")).Message);
        Assert.Equal(
            "The kernel driver vfio_pci is not loaded; run 'modprobe vfio_pci', or did you mean vfio-pci?",
            Assert.Throws<DataplaneException>(() => Guard().CheckDriver("vfio_pci")).Message);
    }

    [Fact]
    public void A_device_that_is_where_it_shall_be_is_not_asked_about()
    {
        Routes(DefaultRoute, "ens1");

        Guard().CheckBind(Read(), "ixgbe");
        Guard().CheckRestore(Read());
    }

    [Fact]
    public void Others_of_the_IOMMU_group_with_kernel_drivers_are_named_and_bridges_are_not()
    {
        Add(new FakePciFunction(Nic) { Group = 7, Driver = "vfio-pci" });
        Add(new FakePciFunction("0000:00:01.0") { Id = "8086:3420", Class = 0x060400, Driver = "pcieport", Group = 7 });
        Add(new FakePciFunction("0000:01:00.2") { Driver = null, Group = 7 });
        Assert.Null(Guard().NoticeAfterBind(Read()));
        Add(new FakePciFunction("0000:01:00.1") { Group = 7 });

        Assert.Equal(
            "0000:01:00.0 shares the IOMMU group 7 with 0000:01:00.1 (8086:10fb, driver ixgbe); "
            + "it can be used when those are bound to vfio-pci or unbound as well",
            Guard().NoticeAfterBind(Read()));
    }

    public void Dispose() => _machine.Dispose();

    private void Add(FakePciFunction function) => function.AddTo(_machine);

    private void Routes(string format, string iface, string format6 = "")
    {
        _machine["/proc/net/route"] = RoutesHeader + string.Format(null, format, iface);
        _machine["/proc/net/ipv6_route"] = string.Format(null, format6, iface);
    }

    /// <summary>A kernel in which the interface ens1 of the device is one named "inside" with the address 10.9.0.1/16.</summary>
    private NetworkNamespace WithInterface()
    {
        var kernel = NetworkNamespace.Create();
        kernel.Ip("link", "add", "inside", "type", "veth", "peer", "name", "outside");
        kernel.Ip("link", "set", "outside", "up");
        kernel.Ip("link", "set", "inside", "up");
        kernel.AddAddress("inside", "10.9.0.1/16");
        _machine["/sys/class/net/ens1/ifindex"] = kernel.Run("cat", "/sys/class/net/inside/ifindex").Trim();
        return kernel;
    }

    private BindingGuard Guard(bool force = false) => new(_machine.Files, force);

    private PciDevice Read(string address = Nic) => new PciInventory(_machine.Files).Read(address)!;

    private DataplaneException RefusesBind() => Assert.Throws<DataplaneException>(() => Guard().CheckBind(Read(), "vfio-pci"));
}
