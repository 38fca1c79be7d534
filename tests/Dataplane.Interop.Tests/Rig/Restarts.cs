using System.Diagnostics;

namespace Dataplane.Interop.Tests.Rig;

/// <summary>Repeats what kills and restarts one side, as often as time allows.</summary>
internal static class Restarts
{
    private const int Wanted = 50;
    private const int Least = 3;
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    /// <summary>Repeats it up to 50 times within 10 s, and 3 times at least.</summary>
    public static void Repeat(Action round)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Wanted && (i < Least || Stopwatch.GetElapsedTime(start) < s_limit); i++)
            round();
    }
}
