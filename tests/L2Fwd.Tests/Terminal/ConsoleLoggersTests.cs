using Dataplane.Eal;
using L2Fwd.Terminal;
using Microsoft.Extensions.Logging;

namespace L2Fwd.Tests.Terminal;

public class ConsoleLoggersTests
{
    [Theory]
    [InlineData("", "EAL: info\n")]
    [InlineData("--log-level=debug", "EAL: debug\nEAL: info\n")]
    [InlineData("--log-level=error", "")]
    [InlineData("--log-level=lib.eal:debug", "EAL: debug\nEAL: info\n")]
    [InlineData("--log-level=lib.eal:debug --log-level=EAL:error", "")]
    public void Lines_start_with_the_category_and_respect_its_level(string options, string expected)
    {
        using var texts = new Texts();
        EalOptions eal = EalCommandLine.Parse(options.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Options;
        using var loggers = new ConsoleLoggers(texts.Output, eal.LogLevels);
        ILogger logger = loggers.CreateLogger("EAL");

        logger.LogDebug("debug");
        logger.LogInformation("info");

        Assert.Equal(expected, texts.Text);
    }

    [Fact]
    public void An_exception_is_shown_with_where_it_came_from()
    {
        using var texts = new Texts();
        using var loggers = new ConsoleLoggers(texts.Output, []);

        loggers.CreateLogger("L2FWD").LogError(new InvalidOperationException("broken"), "A lcore failed");

        Assert.Equal("L2FWD: A lcore failed: System.InvalidOperationException: broken\n", texts.Text);
    }
}
