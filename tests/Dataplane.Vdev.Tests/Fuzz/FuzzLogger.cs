using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>Keeps the last lines, and the first that must not be there: an error is an exception that ended no connection. Any thread.</summary>
internal sealed class FuzzLogger : ILogger, ILoggerFactory
{
    private const int Kept = 40;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();

    public string? Error { get; private set; }

    public string Last
    {
        get
        {
            lock (_gate)
                return string.Join('\n', _lines);
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        string line = $"{formatter(state, exception)} {exception}";
        lock (_gate)
        {
            if (logLevel >= LogLevel.Error)
                Error ??= line;
            _lines.Enqueue(line);
            if (_lines.Count > Kept)
                _lines.Dequeue();
        }
    }
}
