using L2Fwd.CommandLine;
using L2Fwd.Terminal;
using Microsoft.Extensions.Logging;

namespace L2Fwd.Statistics;

/// <summary>Chooses how statistics are shown, and how often.</summary>
internal static class StatisticsViews
{
    /// <summary>Makes the printer that the options ask for.</summary>
    /// <param name="options">The program's options.</param>
    /// <param name="source">Where statistics are read.</param>
    /// <param name="output">Standard output.</param>
    /// <param name="isTerminal">Whether it is a terminal.</param>
    /// <param name="logger">Gets a notice if the options cannot be followed.</param>
    public static StatisticsPrinter CreatePrinter(
        L2FwdOptions options, StatisticsSource source, Output output, bool isTerminal, ILogger logger)
    {
        TimeSpan period = options.StatisticsInterval is { } milliseconds
            ? TimeSpan.FromMilliseconds(milliseconds)
            : TimeSpan.FromSeconds(options.Period);
        switch (options.Statistics)
        {
            case StatisticsMode.Json:
                return new StatisticsPrinter(source, new JsonView(source, output, TimeProvider.System), period);
            case StatisticsMode.Live when isTerminal:
                var view = new LiveView(source, output, TerminalWidth);
                return new StatisticsPrinter(source, view, period == TimeSpan.Zero ? period : LiveView.Period);
            case StatisticsMode.Live:
                logger.LogWarning(
                    "--stats=live needs a terminal as standard output; the plain statistics screen is shown instead");
                break;
        }

        return new StatisticsPrinter(source, new ScreenView(source, output), period);
    }

    /// <summary>Columns of the terminal; a serial line, for one, does not know its own.</summary>
    private static int TerminalWidth()
    {
        const int Usual = 80;
        int width = Console.WindowWidth;
        return width > 0 ? width : Usual;
    }
}
