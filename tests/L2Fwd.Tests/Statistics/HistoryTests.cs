using FsCheck;
using FsCheck.Fluent;
using L2Fwd.Statistics;

namespace L2Fwd.Tests.Statistics;

public class HistoryTests
{
    [Theory]
    [InlineData("", 8, "        ")]
    [InlineData("0 0", 8, "      ▁▁")]
    [InlineData("1 2 4 8", 8, "    ▁▂▄█")]
    [InlineData("8 7 6 5 4 3 2 1", 8, "█▇▆▅▄▃▂▁")]
    [InlineData("9 9 1 2 3 4 5 6 7 8", 8, "▁▂▃▄▅▆▇█")]
    [InlineData("1 8 2 4", 4, "  █▄")]
    [InlineData("8 1 4", 4, "  █▄")]
    public void Values_are_blocks_from_zero_to_the_highest(string values, int width, string expected)
    {
        string[] all = values.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(expected, Draw(all.Select(double.Parse), length: 8, width));
    }

    [Fact]
    public void A_drawing_has_the_width_that_was_asked_for() => Prop.ForAll(
        Gen.Choose(0, 1000).Select(value => (double)value).ListOf().ToArbitrary(),
        Gen.Choose(1, 80).ToArbitrary(),
        (values, width) => Draw(values, length: 60, width).Length == width).QuickCheckThrowOnFailure();

    private static string Draw(IEnumerable<double> values, int length, int width)
    {
        var history = new History(length);
        foreach (double value in values)
            history.Add(value);
        return history.Draw(width);
    }
}
