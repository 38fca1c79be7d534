using Dataplane.Packets;

namespace Dataplane.Core.Tests.Packets;

public sealed class MacAddressTests
{
    [Theory]
    [InlineData("02:00:00:00:00:01", "02:00:00:00:00:01")]
    [InlineData("aA-bB-cC-dD-eE-fF", "AA:BB:CC:DD:EE:FF")]
    [InlineData("0:1:2:3:4:5", "00:01:02:03:04:05")]
    public void Addresses_are_read_in_the_usual_forms_and_written_as_DPDK_does(string text, string written)
    {
        Assert.True(MacAddress.TryParse(text, out MacAddress address));
        Assert.Equal(written, address.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("02:00:00:00:00")]
    [InlineData("02:00:00:00:00:01:02")]
    [InlineData("02:00:00:00:00:")]
    [InlineData("02:00:00:00:00:001")]
    [InlineData("02:00:00:00:00:0g")]
    [InlineData("02:00:00:00:00: 1")]
    [InlineData("02-00:00-00:00-01")]
    [InlineData("020000000001")]
    public void What_is_no_address_is_refused(string? text)
    {
        Assert.False(MacAddress.TryParse(text, out MacAddress address));
        Assert.True(address.IsZero);
    }

    [Fact]
    public void The_number_is_the_octets_in_the_order_of_the_wire()
    {
        var address = new MacAddress([0x02, 0x11, 0x22, 0x33, 0x44, 0x55]);
        Span<byte> octets = stackalloc byte[6];
        address.CopyTo(octets);

        Assert.Equal(0x5544_3322_1102UL, address.Wire);
        Assert.Equal([0x02, 0x11, 0x22, 0x33, 0x44, 0x55], octets.ToArray());
        Assert.Equal(address, new MacAddress(0xFFFF_5544_3322_1102));
        Assert.True(address == new MacAddress(address.Wire));
        Assert.True(address != default);
        Assert.Equal(address.GetHashCode(), new MacAddress(address.Wire).GetHashCode());
    }

    [Fact]
    public void Group_addresses_and_the_zero_address_are_told_apart()
    {
        Assert.True(new MacAddress([0x01, 0, 0x5e, 0, 0, 1]).IsMulticast);
        Assert.True(new MacAddress(0xFFFF_FFFF_FFFF).IsMulticast);
        Assert.False(new MacAddress([0x02, 0, 0, 0, 0, 1]).IsMulticast);
        Assert.True(default(MacAddress).IsZero);
        Assert.Throws<ArgumentException>(() => new MacAddress([1, 2, 3]));
    }

    [Theory]
    [InlineData("02:00:00:00:00:01", true)]
    [InlineData("00:00:00:00:00:01", true)]
    [InlineData("FE:FF:FF:FF:FF:FF", true)]
    [InlineData("00:00:00:00:00:00", false)]
    [InlineData("01:00:5E:00:00:01", false)]
    [InlineData("FF:FF:FF:FF:FF:FF", false)]
    public void Unicast_addresses_are_those_that_one_station_may_have(string text, bool isUnicast)
    {
        Assert.True(MacAddress.TryParse(text, out MacAddress address));
        Assert.Equal(isUnicast, address.IsUnicast);
    }

    [Fact]
    public void Random_addresses_are_local_unicast_ones_that_differ()
    {
        MacAddress[] addresses = [.. Enumerable.Range(0, 50).Select(_ => MacAddress.CreateRandom())];

        Assert.All(addresses, address => Assert.Equal(2u, address.Wire & 3));
        Assert.Equal(addresses.Length, addresses.Distinct().Count());
    }
}
