using Dataplane.Eal;
using Dataplane.Ports;
using Dataplane.Testing;

namespace Dataplane.Vfio.Tests;

public sealed class PciBusTests : IDisposable
{
    private const string Address = "0000:01:00.0";

    private readonly FakeMachine _machine = new();
    private readonly RecordingLogger _log = new();
    private readonly Dictionary<string, string> _environment = [];

    public void Dispose()
    {
        _log.Dispose();
        _machine.Dispose();
    }

    [Fact]
    public void A_machine_without_PCI_has_no_devices_and_nothing_is_said() => AssertNothing();

    [Fact]
    public void Devices_of_the_kernel_are_its_own_and_nothing_is_said()
    {
        new FakePciFunction(Address).AddTo(_machine);
        new FakePciFunction("0000:02:00.0") { Driver = null }.AddTo(_machine);
        _environment["PCIDEVICE_INTEL_COM_NICS"] = Address;

        AssertNothing();
    }

    [Theory]
    [InlineData("ixgbe", "belongs to the kernel's driver ixgbe")]
    [InlineData(null, "has no driver")]
    [InlineData("uio_pci_generic", "is bound to uio_pci_generic, and devices are used through VFIO only")]
    [InlineData("igb_uio", "is bound to igb_uio, and devices are used through VFIO only")]
    public void A_device_that_is_named_must_be_bound_to_VFIO(string? driver, string state)
    {
        new FakePciFunction(Address) { Driver = driver }.AddTo(_machine);

        DataplaneException refusal = Assert.Throws<DataplaneException>(() => Scan("-a", Address));

        Assert.Equal($"{Address} {state}", refusal.Problem);
        Assert.Equal($"give it to VFIO on the host with 'dataplane devbind --bind vfio-pci {Address}'", refusal.Remedy);
    }

    [Fact]
    public void A_device_that_is_named_and_that_no_driver_knows_is_refused_with_what_they_know()
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Id = "15b3:1017", Group = 7 }.AddTo(_machine);

        DataplaneException refusal = Assert.Throws<DataplaneException>(() => Scan("-a", Address));

        Assert.Equal(
            $"No driver knows {Address} (15b3:1017); the drivers are for net_fake: 8086:10fb 8086:10ed", refusal.Message);
    }

    [Fact]
    public void A_device_that_nobody_named_and_that_no_driver_knows_is_left_out()
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Id = "15b3:1017", Group = 7 }.AddTo(_machine);

        using IBusSession session = Scan();

        Assert.Empty(session.Devices);
        Assert.Equal([$"{Address} (15b3:1017, driver vfio-pci) is not used: no driver knows it"], _log.Lines);
    }

    [Fact]
    public void Keys_that_the_driver_does_not_have_are_refused()
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Group = 7 }.AddTo(_machine);

        DataplaneException refusal = Assert.Throws<CommandLineException>(() => Scan("-a", $"{Address},colour=red"));

        Assert.Equal($"net_fake has no key 'colour' (in -a {Address},colour=red); its keys are speed", refusal.Message);
    }

    [Fact]
    public void A_device_that_is_named_needs_VFIO()
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Group = 7 }.AddTo(_machine);

        DataplaneException refusal = Assert.Throws<DataplaneException>(() => Scan("-a", Address));

        Assert.Equal("Cannot open /dev/vfio/vfio: No such file or directory", refusal.Problem);
        Assert.Contains("modprobe vfio-pci", refusal.Remedy);
        Assert.Contains("mountPath: /dev/vfio", refusal.Remedy);
    }

    [Fact]
    public void A_device_that_the_device_plugin_gave_and_that_is_bound_to_VFIO_must_work()
    {
        new FakePciFunction(Address) { Driver = "vfio-pci", Group = 7 }.AddTo(_machine);
        _environment["PCIDEVICE_INTEL_COM_NICS"] = Address;

        Assert.Throws<DataplaneException>(() => Scan());
    }

    [Theory]
    [InlineData("vfio-pci")]
    [InlineData("virtio_vfio_pci")]
    public void A_device_that_nobody_named_is_left_out_if_it_cannot_be_opened(string driver)
    {
        new FakePciFunction(Address) { Driver = driver, Group = 7 }.AddTo(_machine);

        using IBusSession session = Scan();

        Assert.Empty(session.Devices);
        Assert.Null(session.RequiredIovaMode);
        Assert.StartsWith($"{Address} is not used: Cannot open /dev/vfio/vfio", Assert.Single(_log.Lines));
    }

    private void AssertNothing()
    {
        using IBusSession session = Scan();

        Assert.Empty(session.Devices);
        Assert.Null(session.RequiredIovaMode);
        Assert.Empty(_log.Lines);
    }

    private IBusSession Scan(params string[] options) =>
        new PciBus(_machine.Files, () => _environment, [new FakeNicDriver()]).Scan(EalCommandLine.Parse(options).Options, _log);
}
