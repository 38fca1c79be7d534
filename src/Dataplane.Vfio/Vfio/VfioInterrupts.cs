using Dataplane.Linux;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vfio.Vfio;

/// <summary>
/// The interrupts of a device: a thread sleeps until vector 0 signals, or until the kernel wants the device back. Vectors of
/// rx queues wake whoever waits for them and do not come by here.
/// </summary>
internal sealed unsafe class VfioInterrupts : IDisposable
{
    private readonly Lock _gate = new();
    private readonly IInterruptSource _device;
    private readonly ILogger _logger;
    private readonly InterruptKind? _kind;
    private readonly Action<string> _lost;
    private readonly List<EventFd> _owned = [];
    private readonly EventFd _stop;
    private readonly EventFd _event;
    private readonly EventFd _request;
    private readonly EventFd _error;
    private readonly Thread _thread;
    private Action? _onEvent;

    /// <summary>Starts to listen for what does not have to be enabled.</summary>
    /// <param name="device">Outlives this.</param>
    /// <param name="wanted">The argument of <c>--vfio-intr</c>; null for the best.</param>
    /// <param name="lost">Called on the thread, with the reason, when the device must be given back; it may be more than once.</param>
    /// <param name="logger">For what callbacks throw.</param>
    /// <exception cref="DataplaneException">The device does not have the wanted kind, or the system refused.</exception>
    public VfioInterrupts(IInterruptSource device, string? wanted, Action<string> lost, ILogger logger)
    {
        _device = device;
        _lost = lost;
        _logger = logger;
        _kind = InterruptKind.Choose(device.Name, device.InterruptCount, wanted);
        try
        {
            _stop = Own();
            _event = Own();
            _request = Own();
            _error = Own();
            if (_kind is { IsMaskedBySignal: true } && !CanHave(_kind))
            {
                _kind = null;
                SayWithoutInterrupts(wanted);
            }

            Listen(VfioNumbers.VFIO_PCI_REQ_IRQ_INDEX, _request);
            Listen(VfioNumbers.VFIO_PCI_ERR_IRQ_INDEX, _error);
            _thread = new Thread(Watch, maxStackSize: 256 << 10) { IsBackground = true, Name = $"vfio {device.Name}" };
            _thread.Start();
        }
        catch
        {
            _owned.ForEach(signal => signal.Dispose());
            throw;
        }
    }

    /// <summary>Interrupts that can be told apart.</summary>
    public int Vectors => _kind?.Vectors ?? 0;

    /// <summary>As IPciFunction.EnableInterrupts has it.</summary>
    public void Enable(Action onEvent, IReadOnlyList<EventFd> rxQueues)
    {
        if (_kind is null || rxQueues.Count >= _kind.Vectors)
        {
            throw new DataplaneException(
                $"{_device.Name} has {Vectors} interrupts ({_kind?.Name ?? "none"}), and {rxQueues.Count + 1} are needed",
                "use fewer rx queues or another --vfio-intr");
        }

        lock (_gate)
        {
            _onEvent = onEvent;
            if (_device.TrySignal(_kind.Index, [_event, .. rxQueues]))
                return;
            _onEvent = null;
            throw new DataplaneException($"Cannot enable the interrupts of {_device.Name} ({_kind.Name}): {Errno.DescribeLast()}");
        }
    }

    /// <summary>As IPciFunction.DisableInterrupts has it.</summary>
    public void Disable()
    {
        // Callbacks run with the lock held: whoever gets it knows that none runs, or is one.
        lock (_gate)
        {
            if (_onEvent is null)
                return;
            _onEvent = null;
            _device.EndSignals(_kind!.Index);
            _ = _event.TryDrain();
        }
    }

    /// <summary>Ends the thread; the callbacks may do so themselves.</summary>
    public void Dispose()
    {
        Disable();
        _stop.Signal();
        // A thread does not wait for itself: it gives its signals back when it ends.
        if (Thread.CurrentThread != _thread)
            _thread.Join();
    }

    private EventFd Own()
    {
        var signal = new EventFd();
        _owned.Add(signal);
        return signal;
    }

    /// <summary>
    /// Whether the kernel gives us the line. A line has other devices, too, and who cannot mask itself (PCI before 2.3) must have
    /// one alone. To be asked before the driver lets the device interrupt, for nobody would take the line back from it.
    /// </summary>
    private bool CanHave(InterruptKind line)
    {
        if (!_device.TrySignal(line.Index, [_event]))
            return Errno.Last != Errno.EBUSY;
        _device.EndSignals(line.Index);
        _ = _event.TryDrain();
        return true;
    }

    private void SayWithoutInterrupts(string? wanted) => _logger.LogWarning(
        "{Device} goes on without interrupts, so a change of its link is seen only when the link is asked for: another device has the same interrupt line (INTx), and one of both cannot share it{Remedy}",
        _device.Name,
        wanted is null ? "" : $"; leave out --vfio-intr={wanted} if it has MSI or MSI-X");

    /// <summary>Devices without such an event are silent.</summary>
    private void Listen(uint index, EventFd signal)
    {
        if (_device.InterruptCount(index) > 0)
            _ = _device.TrySignal(index, [signal]);
    }

    private void Watch()
    {
        (EventFd Signal, Action Handle)[] sources =
        [
            (_event, HandleEvent),
            (_request, () => _lost("the host wants it back")),
            (_error, () => _lost("it reports an error that cannot be corrected (PCI Express AER)")),
        ];
        PollDescriptor* waits = stackalloc PollDescriptor[sources.Length + 1];
        for (int i = 0; i < sources.Length; i++)
            waits[i] = WaitFor(sources[i].Signal);
        waits[sources.Length] = WaitFor(_stop);
        while (true)
        {
            int ready = Libc.Poll(waits, (nuint)sources.Length + 1, timeoutMilliseconds: -1);
            for (int i = 0; i < sources.Length && ready > 0; i++)
            {
                if (waits[i].Returned != 0 && sources[i].Signal.TryDrain())
                    Call(sources[i].Handle);
            }

            if (_stop.TryDrain())
                break;
        }

        _owned.ForEach(signal => signal.Dispose());
    }

    private static PollDescriptor WaitFor(EventFd signal) => new() { Fd = (int)signal.Handle.DangerousGetHandle(), Events = Libc.POLLIN };

    private void HandleEvent()
    {
        lock (_gate)
        {
            try
            {
                _onEvent?.Invoke();
            }
            finally
            {
                // The callback may have disabled the interrupts; one that failed shall hear of the next one, too.
                if (_onEvent is not null && _kind!.IsMaskedBySignal)
                    _device.Unmask(_kind.Index);
            }
        }
    }

    private void Call(Action handle)
    {
        try
        {
            handle();
        }
        catch (Exception e)
        {
            // The thread belongs to nobody who could handle it, and the process must not end for a lost event.
            _logger.LogError(e, "{Device}: an interrupt could not be handled: {Reason}", _device.Name, e.Message);
        }
    }
}
