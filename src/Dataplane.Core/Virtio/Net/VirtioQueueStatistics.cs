using Dataplane.Ports;

namespace Dataplane.Virtio;

/// <summary>What DPDK's driver calls the counters of its queues, beside the names that every port has.</summary>
internal static class VirtioQueueStatistics
{
    public static void Add(Port port, ICollection<ExtendedStatistic> statistics)
    {
        for (int i = 0; i < port.RxQueues.Count; i++)
            AddQueue($"rx_q{i}", port.GetRxQueueStatistics(i));
        for (int i = 0; i < port.TxQueues.Count; i++)
            AddQueue($"tx_q{i}", port.GetTxQueueStatistics(i));

        void AddQueue(string queue, QueueCounters counters)
        {
            statistics.Add(new($"{queue}_good_packets", counters.Packets));
            statistics.Add(new($"{queue}_good_bytes", counters.Bytes));
            if (queue[0] == 't')
                statistics.Add(new($"{queue}_errors", counters.Errors));
        }
    }
}
