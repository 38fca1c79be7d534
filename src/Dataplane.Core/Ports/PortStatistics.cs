namespace Dataplane.Ports;

/// <summary>A port's basic statistics, since its start or the last reset; DPDK's rte_eth_stats.</summary>
public record struct PortStatistics
{
    /// <summary>Packets received (ipackets).</summary>
    public ulong InputPackets { get; set; }

    /// <summary>Packets sent (opackets).</summary>
    public ulong OutputPackets { get; set; }

    /// <summary>Bytes received, without FCS (ibytes).</summary>
    public ulong InputBytes { get; set; }

    /// <summary>Bytes sent, without FCS (obytes).</summary>
    public ulong OutputBytes { get; set; }

    /// <summary>Packets lost because a receive queue was full (imissed).</summary>
    public ulong InputMissed { get; set; }

    /// <summary>Broken packets received (ierrors).</summary>
    public ulong InputErrors { get; set; }

    /// <summary>Packets that could not be sent (oerrors).</summary>
    public ulong OutputErrors { get; set; }

    /// <summary>Times that a receive queue found no buffer in its mempool (rx_nombuf).</summary>
    public ulong RxNoMbuf { get; set; }

    internal void AddRx(in QueueCounters queue)
    {
        InputPackets += queue.Packets;
        InputBytes += queue.Bytes;
        InputMissed += queue.Missed;
        InputErrors += queue.Errors;
        RxNoMbuf += queue.NoMbuf;
    }

    internal void AddTx(in QueueCounters queue)
    {
        OutputPackets += queue.Packets;
        OutputBytes += queue.Bytes;
        OutputErrors += queue.Errors;
    }
}
