using Dataplane.Eal;
using Microsoft.Extensions.Logging;

namespace Dataplane.Core.Tests.Eal;

public class LogLevelTests
{
    private static LogLevelRule Rule(string text) =>
        Assert.Single(EalCommandLine.Parse([$"--log-level={text}"]).Options.LogLevels);

    [Theory]
    [InlineData("1", LogLevel.Critical)]
    [InlineData("4", LogLevel.Error)]
    [InlineData("8", LogLevel.Debug)]
    [InlineData("99", LogLevel.Debug)]
    [InlineData("emerg", LogLevel.Critical)]
    [InlineData("alert", LogLevel.Critical)]
    [InlineData("crit", LogLevel.Critical)]
    [InlineData("err", LogLevel.Error)]
    [InlineData("warning", LogLevel.Warning)]
    [InlineData("notice", LogLevel.Information)]
    [InlineData("info", LogLevel.Information)]
    [InlineData("debug", LogLevel.Debug)]
    public void A_level_alone_is_for_everything(string text, LogLevel level) =>
        Assert.Equal(new LogLevelRule(null, IsRegex: false, level), Rule(text));

    [Theory]
    [InlineData("pmd.*:debug", "pmd.net.tap", true)]
    [InlineData("pmd.*:debug", "EAL", false)]
    [InlineData("EAL:debug", "EAL", true)]
    [InlineData("lib.eal:debug", "EAL", true)]
    [InlineData("^(pmd|lib)\\.,8", "pmd.net.tap", true)]
    [InlineData("^lib\\.eal$,8", "EAL", true)]
    [InlineData("tap$,8", "EAL", false)]
    public void A_pattern_chooses_categories(string text, string category, bool matches) =>
        Assert.Equal(matches, Rule(text).Matches(category));

    [Fact]
    public void The_last_rule_that_matches_counts()
    {
        EalCommand command = EalCommandLine.Parse(["--log-level", "error", "--log-level=pmd.*:debug"]);
        IReadOnlyList<LogLevelRule> rules = command.Options.LogLevels;

        Assert.Equal(LogLevel.Error, LogLevelRule.LevelOf(rules, "EAL", LogLevel.Information));
        Assert.Equal(LogLevel.Debug, LogLevelRule.LevelOf(rules, "pmd.net.tap", LogLevel.Information));
        Assert.Equal(LogLevel.Information, LogLevelRule.LevelOf([], "EAL", LogLevel.Information));
    }

    [Theory]
    [InlineData("xyz", "'xyz' is no level")]
    [InlineData("0", "'0' is no level")]
    [InlineData("", "'' is no level")]
    [InlineData("foo:", "'' is no level")]
    [InlineData("foo:bar", "'bar' is no level")]
    [InlineData(":8", "':8' has no pattern before ':'")]
    [InlineData("(,8", "'(' is no regular expression that we can use: ")]
    [InlineData("(a)\\1,8", "'(a)\\1' is no regular expression that we can use: ")]
    public void A_malformed_level_is_refused(string text, string reason)
    {
        string message = Assert.Throws<CommandLineException>(() => Rule(text)).Message;

        Assert.StartsWith(
            $"Option '--log-level' takes LEVEL, PATTERN:LEVEL or REGEXP,LEVEL, not '{text}' ({reason}",
            message,
            StringComparison.Ordinal);
        Assert.EndsWith("; --log-level=help lists the levels", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_lists_the_levels()
    {
        Assert.True(EalCommandLine.Parse(["--log-level", "help", "--junk"]).LogLevelHelpRequested);
        string help = EalCommandLine.LogLevelHelp();
        Assert.Contains("  1  emergency\n", help, StringComparison.Ordinal);
        Assert.Contains("  8  debug\n", help, StringComparison.Ordinal);
    }
}
