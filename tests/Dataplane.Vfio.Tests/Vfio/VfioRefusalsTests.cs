using Dataplane.Linux;
using Dataplane.Testing;
using Dataplane.Vfio.Pci;
using Dataplane.Vfio.Vfio;

namespace Dataplane.Vfio.Tests.Vfio;

public sealed class VfioRefusalsTests : IDisposable
{
    private const string Address = "0000:01:00.0";
    private const string Neighbour = "0000:01:00.1";
    private const int Group = 7;

    private readonly FakeMachine _machine = new();

    public VfioRefusalsTests() => new FakePciFunction(Address) { Driver = "vfio-pci", Group = Group }.AddTo(_machine);

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_container_that_is_forbidden_is_a_matter_of_rights()
    {
        DataplaneException refusal = VfioRefusals.ContainerNotOpened(Errno.EACCES);

        Assert.Equal("Cannot open /dev/vfio/vfio: Permission denied", refusal.Problem);
        Assert.Contains("privileged: true", refusal.Remedy);
    }

    [Fact]
    public void A_file_that_is_not_VFIOs_is_no_container()
    {
        _machine["/dev/vfio/vfio"] = "";

        DataplaneException refusal = Assert.Throws<DataplaneException>(() => new VfioContainer(_machine.Files));

        Assert.Equal("/dev/vfio/vfio is not VFIO as we know it: its version is -1, not 0", refusal.Message);
    }

    [Fact]
    public void A_missing_group_is_asked_for_by_the_name_that_it_has_in_a_pod()
    {
        DataplaneException refusal = Assert.Throws<DataplaneException>(() => Open());

        Assert.Equal($"Cannot open /dev/vfio/7, the VFIO group of {Address}: No such file or directory", refusal.Problem);
        Assert.Contains("volumeMounts: [{name: vfio, mountPath: /dev/vfio}]", refusal.Remedy);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("noiommu-7")]
    public void A_group_is_found_by_either_name(string name)
    {
        _machine[$"/dev/vfio/{name}"] = "";
        VfioGroup group = Open();

        DataplaneException refusal = Assert.Throws<DataplaneException>(() => group.RequireViable(Device()));
        group.Close();

        Assert.StartsWith($"/dev/vfio/{name} of {Address} does not answer as VFIO does", refusal.Message);
    }

    [Theory]
    [InlineData("/dev/vfio/7", "process 4711 (qemu)")]
    [InlineData("/dev/vfio/8", "another process")]
    public void Who_has_a_group_is_named_if_it_is_seen(string held, string holder)
    {
        _machine["/proc/4711/comm"] = "qemu";
        _machine.Link("/proc/4711/fd/5", held);

        Assert.Equal(
            $"Cannot open /dev/vfio/7, the VFIO group of {Address}: Device or resource busy: {holder} has it",
            VfioRefusals.GroupNotOpened(_machine.Files, Errno.EBUSY, "/dev/vfio/7", Device()).Problem);
    }

    [Theory]
    [InlineData(true, "SYS_RAWIO")]
    [InlineData(false, "privileged: true")]
    public void A_group_that_is_forbidden_says_what_it_takes(bool withoutIommu, string remedy)
    {
        if (withoutIommu)
            DeviceHasNoIommu();

        DataplaneException refusal = VfioRefusals.GroupNotOpened(_machine.Files, Errno.EPERM, "/dev/vfio/7", Device());

        Assert.Contains(remedy, refusal.Remedy);
    }

    [Fact]
    public void The_devices_of_a_group_that_the_kernel_drives_are_named()
    {
        new FakePciFunction(Neighbour) { Driver = "ixgbe", Group = Group }.AddTo(_machine);
        new FakePciFunction("0000:01:00.2") { Driver = "pcieport", Class = 0x060400, Group = Group }.AddTo(_machine);
        new FakePciFunction("0000:01:00.3") { Driver = null, Group = Group }.AddTo(_machine);

        DataplaneException refusal = VfioRefusals.NotViable(_machine.Files, Device());

        Assert.Equal(
            $"The IOMMU group 7 of {Address} cannot be used: the kernel drives {Neighbour} (8086:10fb, driver ixgbe) of the same group",
            refusal.Problem);
        Assert.EndsWith($"'dataplane devbind --bind vfio-pci {Neighbour}'", refusal.Remedy);
    }

    [Theory]
    [InlineData(false, "has no IOMMU and the devices before it have one")]
    [InlineData(true, "has an IOMMU and the devices before it have none")]
    public void Devices_with_an_IOMMU_do_not_mix_with_those_without(bool containerHasNoIommu, string difference)
    {
        if (!containerHasNoIommu)
            DeviceHasNoIommu();

        DataplaneException refusal = VfioRefusals.NotJoined(_machine.Files, Errno.EPERM, Device(), containerHasNoIommu);

        Assert.Equal($"{Address} {difference}, which VFIO does not mix in a process", refusal.Problem);
    }

    [Fact]
    public void A_group_that_cannot_join_since_a_neighbour_has_a_driver_is_not_viable()
    {
        new FakePciFunction(Neighbour) { Driver = "ixgbe", Group = Group }.AddTo(_machine);

        Assert.Contains(
            Neighbour, VfioRefusals.NotJoined(_machine.Files, Errno.EBUSY, Device(), containerHasNoIommu: null).Problem);
    }

    [Theory]
    [InlineData(true, "enable_unsafe_noiommu_mode")]
    [InlineData(false, "modprobe vfio_iommu_type1")]
    public void A_group_that_nothing_translates_for_says_what_to_load(bool withoutIommu, string remedy)
    {
        if (withoutIommu)
            DeviceHasNoIommu();

        Assert.Contains(remedy, VfioRefusals.NoIommuDriver(_machine.Files, Device()).Remedy);
    }

    [Theory]
    [InlineData(VfioNumbers.VFIO_TYPE1v2_IOMMU, Errno.EPERM, "allow_unsafe_interrupts=1")]
    [InlineData(VfioNumbers.VFIO_NOIOMMU_IOMMU, Errno.EPERM, "SYS_RAWIO")]
    [InlineData(VfioNumbers.VFIO_TYPE1_IOMMU, Errno.EINVAL, "Invalid argument")]
    public void An_IOMMU_that_cannot_be_used_says_why(int iommu, int error, string text) =>
        Assert.Contains(text, VfioRefusals.IommuNotSet(error, iommu, Device()).Message);

    [Theory]
    [InlineData(Errno.EACCES, false, "without a token", "--vfio-vf-token=UUID")]
    [InlineData(Errno.EACCES, true, "not with the token that --vfio-vf-token gives", "the same --vfio-vf-token")]
    [InlineData(Errno.ENODEV, true, "No such device", "dmesg")]
    public void A_device_that_is_not_opened_may_want_a_token(int error, bool hasToken, string problem, string remedy)
    {
        PciDevice device = Device() with { PhysicalFunction = "0000:01:00.4" };

        DataplaneException refusal = VfioRefusals.DeviceNotOpened(error, device, hasToken);

        Assert.Contains(problem, refusal.Problem);
        Assert.Contains(remedy, refusal.Remedy);
    }

    [Fact]
    public void A_device_without_a_group_says_how_it_gets_one() =>
        Assert.Contains("intel_iommu=on", VfioRefusals.NoGroup(Device()).Remedy);

    private VfioGroup Open() => VfioGroup.Open(_machine.Files, Device(), Group, unused => unused.Close());

    private PciDevice Device() => new PciInventory(_machine.Files).Read(Address)!;

    private void DeviceHasNoIommu() => _machine[$"/sys/kernel/iommu_groups/{Group}/name"] = "vfio-noiommu";
}
