using Microsoft.Extensions.Logging;

namespace Dataplane.Testing;

/// <summary>Keeps what a person would read. Any thread.</summary>
public sealed class RecordingLogger : ILogger, ILoggerFactory
{
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];

    /// <summary>What was logged so far; a snapshot.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
                return [.. _lines];
        }
    }

    /// <summary>Forgets what was logged.</summary>
    public void Clear()
    {
        lock (_gate)
            _lines.Clear();
    }

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => this;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    /// <inheritdoc/>
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (_gate)
            _lines.Add(formatter(state, exception));
    }
}
