using Dataplane.Eal;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed class DriverRegistryTests
{
    private readonly DriverRegistry _registry = new(
        [new TestDriver("net_af"), new TestDriver("net_af_packet"), new TestDriver("net_none") { Keys = [] }]);

    [Theory]
    [InlineData("net_af0", "net_af")]
    [InlineData("net_af_packet0", "net_af_packet")]
    [InlineData("net_af_packet", "net_af_packet")]
    [InlineData("net_af_pack", "net_af")]
    public void The_driver_with_the_longest_name_that_fits_is_meant(string device, string driver) =>
        Assert.Equal(driver, _registry.FindVdev(Devargs.Parse(device)).Name);

    [Fact]
    public void A_device_without_driver_lists_the_drivers() =>
        Refused("net_memif0,id=0", "No driver makes the device 'net_memif0' of --vdev=net_memif0,id=0; the drivers are net_af, net_af_packet, net_none");

    [Fact]
    public void An_unknown_key_lists_the_keys()
    {
        Refused("net_af0,kay=1", "net_af has no key 'kay' (in --vdev=net_af0,kay=1); its keys are key, many");
        Refused("net_af0, key=1", "net_af has no key ' key' (in --vdev=net_af0, key=1); its keys are key, many");
        Refused("net_none0,key=1", "net_none has no key 'key' (in --vdev=net_none0,key=1); it takes none");
    }

    [Fact]
    public void Only_a_repeatable_key_may_be_given_twice()
    {
        Assert.Equal("net_af", _registry.FindVdev(Devargs.Parse("net_af0,many=1,key=2,many=3")).Name);
        Refused("net_af0,key=1,key=2,key=1", "The key 'key' of the device 'net_af0' is given 3 times; give it once");
    }

    [Fact]
    public void Two_drivers_of_one_name_are_a_mistake_of_the_program() =>
        Assert.Throws<ArgumentException>(() => new DriverRegistry([new TestDriver(), new TestDriver()]));

    private void Refused(string device, string message) =>
        Assert.Equal(message, Assert.Throws<CommandLineException>(() => _registry.FindVdev(Devargs.Parse(device))).Message);
}
