using Versus.Probe;

namespace Versus.Latency;

/// <summary>Round trips of one program over all its runs.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="FramesPerSecond">How many were to be sent.</param>
/// <param name="Frames">How many came back.</param>
/// <param name="Lost">How many did not.</param>
/// <param name="P50">Nanoseconds that half of them took at most.</param>
/// <param name="P99">99 %.</param>
/// <param name="P999">99.9 %.</param>
/// <param name="P9999">99.99 %.</param>
/// <param name="Histogram">How they spread.</param>
internal sealed record LatencySummary(
    string Program, int FramesPerSecond, int Frames, int Lost, double P50, double P99, double P999, double P9999, IReadOnlyList<HistogramBar> Histogram)
{
    /// <summary>Sums up what probes found.</summary>
    public static LatencySummary Of(string program, int framesPerSecond, IReadOnlyCollection<ProbeResult> results)
    {
        KeyValuePair<int, int>[] sorted =
            [.. results.SelectMany(result => result.RoundTrips).GroupBy(pair => pair.Key, pair => pair.Value)
                .Select(group => KeyValuePair.Create(group.Key, group.Sum())).OrderBy(pair => pair.Key)];
        int frames = sorted.Sum(pair => pair.Value);
        return new LatencySummary(
            program, framesPerSecond, frames, results.Sum(result => result.Lost), At(0.5), At(0.99), At(0.999), At(0.9999), HistogramBar.Of(sorted));

        // The smallest value that so large a part of all is not above (nearest rank).
        double At(double part)
        {
            int left = (int)Math.Ceiling(part * frames);
            return sorted.First(pair => (left -= pair.Value) <= 0).Key;
        }
    }
}

/// <summary>A bar of a histogram.</summary>
/// <param name="FromNanoseconds">Where it begins; it ends where the next begins, half an octave further.</param>
/// <param name="Count">Round trips in it.</param>
internal sealed record HistogramBar(int FromNanoseconds, int Count)
{
    private const double Octave = 2;

    /// <summary>Bars from the first that has any to the last that has, those between included.</summary>
    /// <param name="counts">How many frames took so many nanoseconds.</param>
    public static IReadOnlyList<HistogramBar> Of(IEnumerable<KeyValuePair<int, int>> counts)
    {
        Dictionary<int, int> bars = counts.GroupBy(pair => Bar(pair.Key), pair => pair.Value).ToDictionary(group => group.Key, group => group.Sum());
        return [.. Enumerable.Range(bars.Keys.Min(), bars.Keys.Max() - bars.Keys.Min() + 1)
            .Select(bar => new HistogramBar((int)Math.Pow(Octave, bar / 2.0), bars.GetValueOrDefault(bar)))];
    }

    private static int Bar(int nanoseconds) => (int)Math.Floor(2 * Math.Log2(nanoseconds));
}
