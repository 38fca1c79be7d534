using Dataplane.Eal;
using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Core.Tests.Ports;

public sealed class DevargsTests
{
    [Fact]
    public void An_argument_is_a_name_and_pairs()
    {
        var arguments = Devargs.Parse("net_test0,iface=eth0,,path=a=b,empty=,iface=eth1");

        Assert.Equal("net_test0", arguments.Name);
        Assert.Equal("net_test0,iface=eth0,,path=a=b,empty=,iface=eth1", arguments.Text);
        Assert.Equal(["iface", "path", "empty", "iface"], arguments.Keys);
        Assert.Equal(("a=b", "", "eth1", null), (arguments.Get("path"), arguments.Get("empty"), arguments.Get("iface"), arguments.Get("none")));
        Assert.Equal(["eth0", "eth1"], arguments.GetAll("iface"));
        Assert.Empty(arguments.GetAll("none"));
        Assert.Equal((true, false), (arguments.Has("empty"), arguments.Has("none")));
        Assert.Empty(Devargs.Parse("net_test").Keys);
    }

    [Theory]
    [InlineData("", "has no name")]
    [InlineData(",size=1", "has no name")]
    [InlineData("net_test0,size", "'size' in the device argument 'net_test0,size' is not of the form key=value")]
    [InlineData("net_test0,=64", "'=64' in the device argument")]
    public void What_is_no_argument_is_named(string text, string message) =>
        Assert.Contains(message, Assert.Throws<CommandLineException>(() => Devargs.Parse(text)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("1", 1)]
    [InlineData("65535", 65535)]
    [InlineData("0x40", 64)]
    [InlineData("0XfF", 255)]
    public void Numbers_are_decimal_or_hexadecimal(string value, int expected) =>
        Assert.Equal(expected, Devargs.Parse("d,n=" + value).GetInt32("n", -5, 1, 65535));

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("65536")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1k")]
    [InlineData("0x")]
    [InlineData("0x10000")]
    [InlineData("0xFFFFFFFF")]
    [InlineData("4294967297")]
    [InlineData("99999999999999999999")]
    public void Numbers_outside_of_the_range_are_refused_with_it(string value)
    {
        var error = Assert.Throws<CommandLineException>(() => Devargs.Parse("dev,n=" + value).GetInt32("n", 5, 1, 65535));
        Assert.Equal($"'n={value}' of the device 'dev' is not a number from 1 to 65535", error.Message);
    }

    [Fact]
    public void All_ones_is_no_negative_number() =>
        Assert.Throws<CommandLineException>(() => Devargs.Parse("dev,n=0xFFFFFFFF").GetInt32("n", 0, -1, 1));

    [Fact]
    public void Keys_that_were_not_given_have_the_default_of_the_driver()
    {
        var arguments = Devargs.Parse("dev");

        Assert.Equal((-5, true, false), (arguments.GetInt32("n", -5, 1, 2), arguments.GetBoolean("b", true), arguments.GetBoolean("b")));
        Assert.Null(arguments.GetMacAddress("mac"));
    }

    [Fact]
    public void Switches_are_zero_or_one()
    {
        Assert.Equal((false, true), (Devargs.Parse("d,b=0").GetBoolean("b", true), Devargs.Parse("d,b=1").GetBoolean("b")));
        var error = Assert.Throws<CommandLineException>(() => Devargs.Parse("d,b=yes").GetBoolean("b"));
        Assert.Equal("'b=yes' of the device 'd' is not 0 or 1", error.Message);
    }

    [Theory]
    [InlineData("00:00:00:00:00:00")]
    [InlineData("01:00:5e:00:00:01")]
    [InlineData("fixed")]
    public void An_address_is_that_of_one_station(string text)
    {
        Assert.Equal(new MacAddress([2, 0, 0, 0, 0, 1]), Devargs.Parse("d,mac=02:00:00:00:00:01").GetMacAddress("mac"));
        var error = Assert.Throws<CommandLineException>(() => Devargs.Parse("d,mac=" + text).GetMacAddress("mac"));
        Assert.Contains("is not the MAC address of one station", error.Message, StringComparison.Ordinal);
    }
}
