using L2Fwd.CommandLine;

namespace L2Fwd.Tests.CommandLine;

public class L2FwdCommandLineTests
{
    [Fact]
    public void Without_options_the_defaults_are_DPDKs()
    {
        L2FwdOptions options = Parse("");

        Assert.Equal(0u, options.PortMask);
        Assert.False(options.Promiscuous);
        Assert.Equal(1, options.PortsPerLcore);
        Assert.Equal(10, options.Period);
        Assert.True(options.UpdatesMac);
        Assert.Null(options.PortMap);
        Assert.Equal(StatisticsMode.Screen, options.Statistics);
        Assert.Null(options.StatisticsInterval);
    }

    [Fact]
    public void All_options_together_say_what_they_mean()
    {
        L2FwdOptions options = Parse(
            "-Pp 0xF -q2 -T 0 --no-mac --portmap (0,3)(1,2) --stats=json --stats-interval 100 extra");

        Assert.Equal(15u, options.PortMask);
        Assert.True(options.Promiscuous);
        Assert.Equal(2, options.PortsPerLcore);
        Assert.Equal(0, options.Period);
        Assert.False(options.UpdatesMac);
        Assert.Equal([new PortPair(0, 3), new PortPair(1, 2)], options.PortMap?.Pairs);
        Assert.Equal(StatisticsMode.Json, options.Statistics);
        Assert.Equal(100, options.StatisticsInterval);
    }

    [Theory]
    [InlineData("--no-mac-updating", false)]
    [InlineData("--mac-updating", true)]
    [InlineData("--no-mac-updating --mac-updating", true)]
    [InlineData("--mac --no-mac", false)]
    public void The_last_word_on_MAC_updating_counts(string commandLine, bool updates) =>
        Assert.Equal(updates, Parse(commandLine).UpdatesMac);

    [Fact]
    public void An_option_given_twice_means_what_the_last_one_says() => Assert.Equal(2u, Parse("-p 1 -p 2").PortMask);

    [Theory]
    [InlineData("screen", nameof(StatisticsMode.Screen))]
    [InlineData("json", nameof(StatisticsMode.Json))]
    [InlineData("live", nameof(StatisticsMode.Live))]
    public void Statistics_look_as_asked(string text, string mode) =>
        Assert.Equal(mode, Parse($"--stats={text}").Statistics.ToString());

    [Theory]
    [InlineData("-p 0", "invalid portmask")]
    [InlineData("-p xyz", "invalid portmask")]
    [InlineData("-p 1ffffffff", "invalid portmask")]
    [InlineData("-q 0", "invalid queue number")]
    [InlineData("-q 16", "invalid queue number")]
    [InlineData("-q 2x", "invalid queue number")]
    [InlineData("-T -1", "invalid timer period")]
    [InlineData("-T 86400", "invalid timer period")]
    [InlineData("-T x", "invalid timer period")]
    [InlineData("--portmap=(0)", "Invalid config")]
    [InlineData("--stats=loud", "invalid statistics mode")]
    [InlineData("--stats-interval=0", "invalid statistics interval")]
    [InlineData("--stats-interval=86399001", "invalid statistics interval")]
    [InlineData("-q 99 -p 0", "invalid queue number")]
    [InlineData("-p 0 -x", "invalid portmask")]
    [InlineData("-p 0 -p 3", "invalid portmask")]
    public void A_wrong_value_is_complained_about_in_DPDKs_words_and_mended_in_ours(
        string commandLine, string complaint)
    {
        UsageException thrown = Assert.Throws<UsageException>(() => Parse(commandLine));

        Assert.Equal(complaint, thrown.Message);
        Assert.False(thrown.FromGetopt);
        Assert.NotNull(thrown.Remedy);
    }

    [Fact]
    public void An_empty_mask_is_invalid() =>
        Assert.Equal(
            "invalid portmask", Assert.Throws<UsageException>(() => L2FwdCommandLine.Parse(["-p", ""])).Message);

    [Fact]
    public void A_portmap_without_brackets_pairs_nothing() => Assert.Equal([], Parse("--portmap=0,1").PortMap?.Pairs);

    private static L2FwdOptions Parse(string commandLine) =>
        L2FwdCommandLine.Parse(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
