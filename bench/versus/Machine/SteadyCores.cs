namespace Versus.Machine;

/// <summary>
/// Measures only while the program and its peer run on cores of their own that share a cache, as an operator would place
/// them: a pair whose one half was measured within a cache, and the other across two, or on the two threads of one core,
/// compares nothing (see <see cref="CoreDistance"/>).
/// </summary>
/// <param name="patience">How long one measurement waits and repeats; then it is taken as it is.</param>
internal sealed class SteadyCores(TimeSpan patience)
{
    /// <summary>
    /// Nanoseconds: two threads of one core, which share its first cache and get in each other's way, are below (40 on an AMD
    /// EPYC), two cores of one L3 cache within (95), and cores of two L3 caches or sockets above (400 to 600).
    /// </summary>
    private const double Nearest = 60;

    /// <inheritdoc cref="Nearest"/>
    private const double Farthest = 250;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Measures something, again if the CPUs moved meanwhile.</summary>
    /// <param name="measure">Returns what was measured.</param>
    /// <param name="nanoseconds">How far the CPUs were from each other afterwards.</param>
    public T Measure<T>(Func<T> measure, out double nanoseconds)
    {
        DateTime end = DateTime.UtcNow + patience;
        while (true)
        {
            if (!ArePlacedWell(out _) && DateTime.UtcNow < end)
            {
                Thread.Sleep(s_pause);
                continue;
            }

            T result = measure();
            if (ArePlacedWell(out nanoseconds) || DateTime.UtcNow >= end)
                return result;
        }
    }

    private static bool ArePlacedWell(out double nanoseconds)
    {
        nanoseconds = CoreDistance.Measure(Placement.DeviceCpu, Placement.PeerCpu);
        return nanoseconds is > Nearest and < Farthest;
    }
}
