namespace Versus.Latency;

/// <summary>Round trips over a transport.</summary>
/// <param name="Transport">Its name.</param>
/// <param name="Programs">A summary per program, over all its rounds; ours is the last.</param>
internal sealed record LatencyResult(string Transport, IReadOnlyList<LatencySummary> Programs);
