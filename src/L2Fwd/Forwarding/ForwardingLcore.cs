using Dataplane.Lcores;

namespace L2Fwd.Forwarding;

/// <summary>A lcore that forwards.</summary>
/// <param name="Lcore">The lcore.</param>
/// <param name="Routes">What it forwards.</param>
/// <param name="Loop">What it runs.</param>
internal sealed record ForwardingLcore(Lcore Lcore, IReadOnlyList<Route> Routes, ForwardingLoop Loop);
