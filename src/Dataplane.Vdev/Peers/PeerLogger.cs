using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Peers;

/// <summary>
/// The log of a port with peers. Whoever may connect can do so again and again, and each time is worth a line: so many are let
/// through that nobody misses what happens, and so few that no peer fills a disk. Any thread.
/// </summary>
/// <param name="inner">Gets the lines.</param>
/// <param name="clock">Milliseconds; the system's.</param>
internal sealed class PeerLogger(ILogger inner, Func<long>? clock = null) : ILogger
{
    /// <summary>Lines that may come at once.</summary>
    public const int Burst = 100;

    /// <summary>Milliseconds for each further one.</summary>
    private const long Interval = 5000;

    private readonly Lock _gate = new();
    private readonly Func<long> _clock = clock ?? (static () => Environment.TickCount64);
    private long _paidUntil;
    private int _leftOut;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => inner.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!inner.IsEnabled(logLevel))
            return;
        // Errors are ours, and rare; details are what somebody has asked for.
        bool isLimited = logLevel is LogLevel.Information or LogLevel.Warning;
        int leftOut = 0;
        if (isLimited && !TryPay(out leftOut))
            return;
        if (leftOut != 0)
            inner.LogWarning("{Count} lines about peers were left out", leftOut);
        inner.Log(logLevel, eventId, state, exception, formatter);
    }

    private bool TryPay(out int leftOut)
    {
        lock (_gate)
        {
            long now = _clock();
            _paidUntil = Math.Max(_paidUntil, now);
            if (_paidUntil - now > (Burst - 1) * Interval)
            {
                _leftOut++;
                leftOut = 0;
                return false;
            }

            _paidUntil += Interval;
            leftOut = _leftOut;
            _leftOut = 0;
            return true;
        }
    }
}
