using System.Runtime.ExceptionServices;

namespace Dataplane.DeviceModels.Tests.Qtest;

/// <summary>A control thread that looks for interrupts again and again.</summary>
internal abstract class InterruptWatcher : IDisposable
{
    private readonly Thread _thread;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _stop;

    protected InterruptWatcher() => _thread = new Thread(Watch) { IsBackground = true, Name = "interrupts" };

    /// <summary>Starts the thread.</summary>
    public void Start() => _thread.Start();

    /// <summary>Ends the thread, unless it is the caller, and throws what a handler threw.</summary>
    public void Dispose()
    {
        _stop = true;
        if (Thread.CurrentThread == _thread)
            return;
        _thread.Join();
        _failure?.Throw();
    }

    /// <summary>Handles the interrupts that came.</summary>
    protected abstract void Poll();

    private void Watch()
    {
        try
        {
            while (!_stop)
            {
                Poll();
                Thread.Sleep(1);
            }
        }
        catch (Exception e)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }
}
