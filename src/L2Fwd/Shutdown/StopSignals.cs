using System.Diagnostics;
using System.Runtime.InteropServices;
using Dataplane;
using L2Fwd.Terminal;

namespace L2Fwd.Shutdown;

/// <summary>
/// SIGINT and SIGTERM ask the program to end in order; another one later ends it at once. The signal's thread only sets an
/// event: the control thread wakes up by it, so that what it prints is not torn apart.
/// </summary>
internal sealed class StopSignals : IDisposable
{
    /// <summary>What a shell makes of a process that a signal ended: 128 and the signal's number.</summary>
    private const int SignalExitCode = 128;

    /// <summary>
    /// What comes so soon after the first signal is the same wish to end: timeout(1) sends its signal to the program and
    /// then to the program's group, and a terminal's Ctrl-C reaches a wrapper that passes it on.
    /// </summary>
    private static readonly TimeSpan s_sameSignal = TimeSpan.FromSeconds(1);

    private readonly ManualResetEvent _stop = new(initialState: false);
    private readonly Output _output;
    private readonly PosixSignalRegistration[] _registrations;
    private int _signal;
    private long _received;

    /// <summary>Listens from now on.</summary>
    /// <param name="output">Gets DPDK's line when the program ends in order.</param>
    public StopSignals(Output output)
    {
        _output = output;
        ProcessSignals.StopIgnoring();
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Receive(context, 2)),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Receive(context, 15)),
        ];
    }

    /// <summary>Waits until the program shall end.</summary>
    /// <returns>False if the time is over before.</returns>
    public bool Wait(TimeSpan time) => _stop.WaitOne(time);

    /// <summary>Asks the program to end without a signal. Any thread.</summary>
    public void Request() => _stop.Set();

    /// <summary>Says which signal came; nothing if none did.</summary>
    public void Announce()
    {
        if (_signal != 0)
            _output.Write($"\n\nSignal {_signal} received, preparing to exit...\n");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void Receive(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        if (Interlocked.CompareExchange(ref _signal, signal, 0) == 0)
        {
            Volatile.Write(ref _received, Stopwatch.GetTimestamp());
            _stop.Set();
        }
        else if (Volatile.Read(ref _received) is var first and not 0 && Stopwatch.GetElapsedTime(first) > s_sameSignal)
        {
            Environment.Exit(SignalExitCode + signal);
        }
    }
}
