namespace Dataplane.Ports;

/// <content>Statistics: summed by the reader from what each queue counts on its own.</content>
public abstract partial class Port
{
    private readonly QueueCounterTable _counters;

    /// <summary>
    /// The basic statistics since the start or the last reset. Any thread; also after the port is closed, then without
    /// what only the device knew.
    /// </summary>
    public PortStatistics GetStatistics()
    {
        var statistics = default(PortStatistics);
        for (int i = 0; i < Capabilities.MaxRxQueues; i++)
            statistics.AddRx(_counters.ReadRx(i));
        for (int i = 0; i < Capabilities.MaxTxQueues; i++)
            statistics.AddTx(_counters.ReadTx(i));
        lock (_gate)
        {
            if (State != PortState.Closed)
                AddDeviceStatistics(ref statistics);
        }

        return statistics;
    }

    /// <summary>What one receive queue has counted since the start or the last reset.</summary>
    public QueueCounters GetRxQueueStatistics(int queue) => _counters.ReadRx(CheckIndex(queue, Capabilities.MaxRxQueues));

    /// <summary>What one transmit queue has counted since the start or the last reset.</summary>
    public QueueCounters GetTxQueueStatistics(int queue) => _counters.ReadTx(CheckIndex(queue, Capabilities.MaxTxQueues));

    /// <summary>Every counter of the port by DPDK's names: the basic ones, those of the configured queues, the driver's own.</summary>
    public IReadOnlyList<ExtendedStatistic> GetExtendedStatistics()
    {
        PortStatistics basic = GetStatistics();
        var all = new List<ExtendedStatistic>
        {
            new("rx_good_packets", basic.InputPackets),
            new("tx_good_packets", basic.OutputPackets),
            new("rx_good_bytes", basic.InputBytes),
            new("tx_good_bytes", basic.OutputBytes),
            new("rx_missed_errors", basic.InputMissed),
            new("rx_errors", basic.InputErrors),
            new("tx_errors", basic.OutputErrors),
            new("rx_mbuf_allocation_errors", basic.RxNoMbuf),
        };
        lock (_gate)
        {
            AddQueueStatistics(all);
            if (State != PortState.Closed)
                AddExtendedStatistics(all);
        }

        return all;
    }

    /// <summary>Lets all statistics count from zero again. The lcores are not disturbed.</summary>
    public void ResetStatistics()
    {
        _counters.Reset();
        lock (_gate)
        {
            if (State != PortState.Closed)
                OnResetStatistics();
        }
    }

    /// <summary>Adds what only the device knows, such as frames that it dropped. Any thread, one at a time; not after the port is closed.</summary>
    protected virtual void AddDeviceStatistics(ref PortStatistics statistics)
    {
    }

    /// <summary>Adds the driver's own counters.</summary>
    protected virtual void AddExtendedStatistics(ICollection<ExtendedStatistic> statistics)
    {
    }

    /// <summary>Lets the device's own counters count from zero.</summary>
    protected virtual void OnResetStatistics()
    {
    }

    private void AddQueueStatistics(List<ExtendedStatistic> all)
    {
        for (int i = 0; i < _rxQueues.Length; i++)
        {
            QueueCounters queue = _counters.ReadRx(i);
            all.Add(new($"rx_q{i}_packets", queue.Packets));
            all.Add(new($"rx_q{i}_bytes", queue.Bytes));
            all.Add(new($"rx_q{i}_errors", queue.Errors));
        }

        for (int i = 0; i < _txQueues.Length; i++)
        {
            QueueCounters queue = _counters.ReadTx(i);
            all.Add(new($"tx_q{i}_packets", queue.Packets));
            all.Add(new($"tx_q{i}_bytes", queue.Bytes));
        }
    }

    private static int CheckIndex(int queue, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(queue);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(queue, count);
        return queue;
    }
}
