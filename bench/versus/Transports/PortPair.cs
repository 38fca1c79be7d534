namespace Versus.Transports;

/// <summary>The two ports that a program forwards between.</summary>
/// <param name="Dpdk">Values of <c>--vdev</c> for DPDK's programs.</param>
/// <param name="Ours">Values of <c>--vdev</c> for ours: the same, but for what only ours can say.</param>
/// <param name="FirstBursts">
/// Bursts of 32 packets that are to circulate per port, where packets go round in a loop and none comes from outside:
/// testpmd sends them at its start (<c>start tx_first N</c>), DPDK's l2fwd when its ports start (first_bursts.c), ours finds
/// them in its ring (<c>preload=32·N</c>).
/// </param>
internal sealed record PortPair(IReadOnlyList<string> Dpdk, IReadOnlyList<string> Ours, int FirstBursts = 0)
{
    /// <summary>Ports that both name alike.</summary>
    public PortPair(string first, string second)
        : this([first, second], [first, second])
    {
    }
}
