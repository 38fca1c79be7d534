namespace Versus.Latency;

/// <summary>Round trips of one program over all its runs.</summary>
/// <param name="Program">The program's name.</param>
/// <param name="Frames">How many came back.</param>
/// <param name="Lost">How many did not.</param>
/// <param name="P50">Nanoseconds that half of them took at most.</param>
/// <param name="P99">99 %.</param>
/// <param name="P999">99.9 %.</param>
/// <param name="P9999">99.99 %.</param>
/// <param name="Histogram">How they spread.</param>
internal sealed record LatencySummary(
    string Program, int Frames, int Lost, double P50, double P99, double P999, double P9999, IReadOnlyList<HistogramBar> Histogram)
{
    /// <summary>Sums up nanoseconds.</summary>
    public static LatencySummary Of(string program, IEnumerable<int> nanoseconds, int lost)
    {
        int[] sorted = [.. nanoseconds.Order()];
        // The smallest value that so large a part of all is not above (nearest rank).
        double At(double part) => sorted[(int)Math.Ceiling(part * sorted.Length) - 1];
        return new LatencySummary(
            program, sorted.Length, lost, At(0.5), At(0.99), At(0.999), At(0.9999), HistogramBar.Of(sorted));
    }
}

/// <summary>A bar of a histogram.</summary>
/// <param name="FromNanoseconds">Where it begins; it ends where the next begins, half an octave further.</param>
/// <param name="Count">Round trips in it.</param>
internal sealed record HistogramBar(int FromNanoseconds, int Count)
{
    private const double Octave = 2;

    /// <summary>Bars from the first that has any to the last that has, those between included.</summary>
    public static IReadOnlyList<HistogramBar> Of(IReadOnlyList<int> sorted)
    {
        Dictionary<int, int> counts = sorted.CountBy(Bar).ToDictionary();
        return [.. Enumerable.Range(counts.Keys.Min(), counts.Keys.Max() - counts.Keys.Min() + 1)
            .Select(bar => new HistogramBar((int)Math.Pow(Octave, bar / 2.0), counts.GetValueOrDefault(bar)))];
    }

    private static int Bar(int nanoseconds) => (int)Math.Floor(2 * Math.Log2(nanoseconds));
}
