using System.Diagnostics.CodeAnalysis;
using Dataplane.Linux;
using Dataplane.Ports;

namespace Dataplane.Vfio.Nics;

/// <summary>By what the rx queues of a port wake sleeping lcores: a signal per queue, for the vectors 1 and up.</summary>
internal sealed class RxSignals : IDisposable
{
    private EventFd[] _all = [];

    /// <summary>The signals, by queue; none if the port is polled.</summary>
    public IReadOnlyList<EventFd> All => _all;

    /// <summary>Makes the signals of a configuration; those of the one before are gone. Interrupts are disabled meanwhile.</summary>
    /// <param name="port">The port's name, for the error.</param>
    /// <param name="configuration">Which queues there are and whether they interrupt.</param>
    /// <param name="vectors">Vectors of the function, the first of which is not for queues.</param>
    /// <exception cref="DataplaneException">There are more queues than vectors.</exception>
    public void Make(string port, PortConfiguration configuration, int vectors)
    {
        Dispose();
        if (!configuration.RxInterrupts)
            return;
        if (configuration.RxQueues > vectors - 1)
        {
            throw new DataplaneException(
                $"{port} has {vectors - 1} interrupt vectors for rx queues, not {configuration.RxQueues}",
                "use fewer queues or poll them");
        }

        var signals = new List<EventFd>();
        try
        {
            while (signals.Count < configuration.RxQueues)
                signals.Add(new EventFd());
            _all = [.. signals];
        }
        catch
        {
            Disposal.All(signals);
            throw;
        }
    }

    /// <summary>The signal of a queue.</summary>
    public bool TryGet(int queue, [NotNullWhen(true)] out EventFd? signal)
    {
        signal = queue < _all.Length ? _all[queue] : null;
        return signal is not null;
    }

    /// <summary>Closes the signals. Interrupts are disabled.</summary>
    public void Dispose()
    {
        Disposal.All(_all);
        _all = [];
    }
}
