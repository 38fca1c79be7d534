using System.Text.Json;

namespace Versus.Probe;

/// <summary>What a probe found, as it tells the program that started it.</summary>
internal sealed record ProbeResult
{
    /// <summary>What is wrong; null if nothing.</summary>
    public string? Fault { get; init; }

    /// <summary>Frames that were sent.</summary>
    public int Frames { get; init; }

    /// <summary>Frames that did not come back.</summary>
    public int Lost { get; init; }

    /// <summary>How many of those that did took so many nanoseconds.</summary>
    public IReadOnlyDictionary<int, int> RoundTrips { get; init; } = new Dictionary<int, int>();

    public string ToJson() => JsonSerializer.Serialize(this);

    public static ProbeResult Parse(string json) => JsonSerializer.Deserialize<ProbeResult>(json)!;
}
