using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using L2Fwd.CommandLine;

namespace L2Fwd.Tests.CommandLine;

public class CStyleNumberTests
{
    [Theory]
    [InlineData("0", 10, 0u)]
    [InlineData("15", 10, 15u)]
    [InlineData(" +15", 10, 15u)]
    [InlineData("ff", 16, 255u)]
    [InlineData("0xFf", 16, 255u)]
    [InlineData("ffffffff", 16, uint.MaxValue)]
    [InlineData("0x10", 0, 16u)]
    [InlineData("010", 0, 8u)]
    [InlineData("10", 0, 10u)]
    public void Numbers_are_read_in_their_base(string text, int numberBase, uint expected)
    {
        Assert.True(CStyleNumber.TryParse(text, numberBase, out uint value));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("", 16)]
    [InlineData("0x", 16)]
    [InlineData("xyz", 16)]
    [InlineData("3g", 16)]
    [InlineData("100000000", 16)]
    [InlineData("99999999999999999999999", 10)]
    [InlineData("2x", 10)]
    [InlineData("0x2", 10)]
    [InlineData("-1", 10)]
    [InlineData("1 ", 10)]
    [InlineData("08", 0)]
    public void What_is_no_number_of_32_bits_is_refused(string text, int numberBase) =>
        Assert.False(CStyleNumber.TryParse(text, numberBase, out _));

    [Fact]
    public void Every_number_is_read_back_from_its_text() => Prop.ForAll<uint>(number =>
        CStyleNumber.TryParse(number.ToString(CultureInfo.InvariantCulture), 10, out uint value) && value == number
        && CStyleNumber.TryParse($"{number:x}", 16, out value) && value == number
        && CStyleNumber.TryParse($"0x{number:X}", 0, out value) && value == number).QuickCheckThrowOnFailure();
}
