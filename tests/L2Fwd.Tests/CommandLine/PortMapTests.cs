using FsCheck;
using FsCheck.Fluent;
using L2Fwd.CommandLine;

namespace L2Fwd.Tests.CommandLine;

public class PortMapTests
{
    [Theory]
    [InlineData("(0,3)(1,2)", "(0,3)(1,2)")]
    [InlineData("(0,0)", "(0,0)")]
    [InlineData(" (0x10, 31 ) and (07,1)", "(16,31)(7,1)")]
    [InlineData("0,1", "none")]
    [InlineData("", "none")]
    [InlineData(")", "none")]
    public void Pairs_stand_in_brackets_and_the_rest_does_not_count(string text, string expected) =>
        Assert.Equal(expected, new PortMap(text).ToString());

    [Theory]
    [InlineData("(0)")]
    [InlineData("()")]
    [InlineData("(0,1")]
    [InlineData("(0,1,2)")]
    [InlineData("(0,32)")]
    [InlineData("(0,x)")]
    [InlineData("(,1)")]
    [InlineData("(0,-1)")]
    [InlineData("((0,1))")]
    public void A_bracket_without_two_ports_is_refused(string text) =>
        Assert.Equal("Invalid config", Assert.Throws<UsageException>(() => new PortMap(text)).Message);

    [Fact]
    public void A_bracket_may_hold_255_characters_and_not_one_more()
    {
        string spaces = new(' ', 252);

        Assert.Equal("(0,1)", new PortMap($"({spaces}0,1)").ToString());
        Assert.Throws<UsageException>(() => new PortMap($"({spaces} 0,1)"));
    }

    [Fact]
    public void Sixteen_pairs_are_the_most()
    {
        string sixteen = string.Concat(Enumerable.Repeat("(0,1)", 16));

        Assert.Equal(16, new PortMap(sixteen).Pairs.Count);
        Assert.Throws<UsageException>(() => new PortMap(sixteen + "(0,1)"));
    }

    [Fact]
    public void What_is_written_is_read_back() => Prop.ForAll(
        Gen.Choose(0, 31).Two().ListOf(16).ToArbitrary(),
        pairs => new PortMap(string.Concat(pairs.Select(pair => $"({pair.Item1},{pair.Item2})"))).Pairs
            .SequenceEqual(pairs.Select(pair => new PortPair(pair.Item1, pair.Item2)))).QuickCheckThrowOnFailure();
}
