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
    private QueueCounters* _counters;

    public QueueCounterTable(int rxQueues, int txQueues)
    {
        _rxQueues = rxQueues;
        _baseline = new QueueCounters[rxQueues + txQueues];
        _memory = new AlignedMemory((nuint)(_baseline.Length * sizeof(QueueCounters)));
        _counters = (QueueCounters*)_memory.Address;
    }

    public RxQueueContext ForRx(int index, PortConfiguration configuration) =>
        new(index, configuration.RxDescriptors, configuration.Pool, _counters + index);

    public TxQueueContext ForTx(int index, PortConfiguration configuration) =>
        new(index, configuration.TxDescriptors, _counters + _rxQueues + index);

    public QueueCounters ReadRx(int index) => Read(index);

    public QueueCounters ReadTx(int index) => Read(_rxQueues + index);

    public void Reset()
    {
        for (int i = 0; _counters != null && i < _baseline.Length; i++)
            _baseline[i] = _counters[i];
    }

    public void Dispose()
    {
        // What was counted stays readable after the port is closed.
        for (int i = 0; i < _baseline.Length; i++)
            _baseline[i] = Read(i);
        _counters = null;
        _memory.Dispose();
    }

    private QueueCounters Read(int i)
    {
        if (_counters == null)
            return _baseline[i];
        QueueCounters* now = _counters + i;
        ref readonly QueueCounters then = ref _baseline[i];
        return new QueueCounters
        {
            Packets = Volatile.Read(ref now->Packets) - then.Packets,
            Bytes = Volatile.Read(ref now->Bytes) - then.Bytes,
            Errors = Volatile.Read(ref now->Errors) - then.Errors,
            Missed = Volatile.Read(ref now->Missed) - then.Missed,
            NoMbuf = Volatile.Read(ref now->NoMbuf) - then.NoMbuf,
        };
    }
}
