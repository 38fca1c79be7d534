using Dataplane.Eal;
using Microsoft.Extensions.Logging;

namespace L2Fwd.Terminal;

/// <summary>
/// Logs as DPDK does: a line <c>CATEGORY: text</c> on stderr, from the level on that <c>--log-level</c> says.
/// </summary>
/// <param name="errors">Standard error.</param>
/// <param name="rules">The <c>--log-level</c> options, in order.</param>
internal sealed class ConsoleLoggers(Output errors, IReadOnlyList<LogLevelRule> rules) : ILoggerFactory
{
    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        new ConsoleLogger(errors, categoryName, LogLevelRule.LevelOf(rules, categoryName, LogLevel.Information));

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) =>
        throw new NotSupportedException("There is one place that logs go to: standard error.");

    /// <inheritdoc/>
    public void Dispose()
    {
        // Standard error belongs to whoever opened it.
    }

    private sealed class ConsoleLogger(Output errors, string category, LogLevel lowest) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= lowest && logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string cause = exception is null ? "" : $": {exception}";
            errors.Write($"{category}: {formatter(state, exception)}{cause}\n");
        }
    }
}
