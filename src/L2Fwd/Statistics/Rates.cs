namespace L2Fwd.Statistics;

/// <summary>How fast a count grows.</summary>
internal static class Rates
{
    /// <summary>Growth per second; 0 for no time, or for a count that was reset meanwhile.</summary>
    public static double PerSecond(ulong earlier, ulong now, double seconds) =>
        seconds <= 0 || now < earlier ? 0 : (now - earlier) / seconds;
}
