using Dataplane.Memory;

namespace Dataplane.Ports;

/// <summary>
/// The counters of all queues of a port, in unmanaged memory for as long as the port lives, so that they survive a new
/// configuration. A reset only remembers where they stood: the lcores alone write them.
/// </summary>
internal sealed unsafe class QueueCounterTable : IDisposable
{
    private readonly int _rxQueues;
    private readonly QueueCounters[] _baseline;
    private readonly AlignedMemory _memory;
    private readonly Lock _gate = new();
    private QueueCounters* _counters;

    public QueueCounterTable(int rxQueues, int txQueues)
    {
        _rxQueues = rxQueues;
        _baseline = new QueueCounters[rxQueues + txQueues];
        _memory = new AlignedMemory((nuint)(_baseline.Length * sizeof(QueueCounters)));
        _counters = (QueueCounters*)_memory.Address;
    }

    public RxQueueContext ForRx(int index, PortConfiguration configuration) =>
        new(index, configuration, _counters + index, _memory);

    public TxQueueContext ForTx(int index, PortConfiguration configuration) =>
        new(index, configuration, _counters + _rxQueues + index, _memory);

    public QueueCounters ReadRx(int index) => Read(index);

    public QueueCounters ReadTx(int index) => Read(_rxQueues + index);

    public void Reset()
    {
        lock (_gate)
        {
            for (int i = 0; i < _baseline.Length; i++)
                _baseline[i] = _counters == null ? default : Now(i);
        }
    }

    /// <summary>Gives the memory back; what was counted stays readable.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_counters == null)
                return;
            for (int i = 0; i < _baseline.Length; i++)
                _baseline[i] = Since(_baseline[i], Now(i));
            _counters = null;
            _memory.Dispose();
        }
    }

    private QueueCounters Read(int i)
    {
        lock (_gate)
            return _counters == null ? _baseline[i] : Since(_baseline[i], Now(i));
    }

    private QueueCounters Now(int i) => new()
    {
        Packets = Volatile.Read(ref _counters[i].Packets),
        Bytes = Volatile.Read(ref _counters[i].Bytes),
        Errors = Volatile.Read(ref _counters[i].Errors),
        Missed = Volatile.Read(ref _counters[i].Missed),
        NoMbuf = Volatile.Read(ref _counters[i].NoMbuf),
    };

    private static QueueCounters Since(in QueueCounters then, in QueueCounters now) => new()
    {
        Packets = now.Packets - then.Packets,
        Bytes = now.Bytes - then.Bytes,
        Errors = now.Errors - then.Errors,
        Missed = now.Missed - then.Missed,
        NoMbuf = now.NoMbuf - then.NoMbuf,
    };
}
