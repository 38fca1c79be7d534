namespace Dataplane.Ports;

/// <summary>One counter of a port, by the name that DPDK gives it (<c>rx_good_packets</c>, <c>rx_q0_bytes</c>, ...).</summary>
/// <param name="Name">DPDK's name.</param>
/// <param name="Value">Count since the start or the last reset.</param>
public readonly record struct ExtendedStatistic(string Name, ulong Value);
