using System.Globalization;

namespace Versus.Throughput;

/// <summary>Cycles of the TSC per packet, in rounds that found packets, on both sides of the same traffic.</summary>
/// <param name="Program">What is measured.</param>
/// <param name="Peer">testpmd at the other ends.</param>
/// <param name="Hz">Cycles per second.</param>
internal sealed record CycleCount(double Program, double Peer, double Hz)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"   {Program,6:F1} cycles per packet, the peer {Peer,6:F1} of {Hz / 1e6:F0} MHz");
}
