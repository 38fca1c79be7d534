using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Dataplane.Lcores;

namespace Versus.Machine;

/// <summary>
/// How far two CPUs are from each other: the time of a cache line from one to the other and back. Every ring between two
/// processes lives on that. It belongs to a machine, but for a virtual one whose host moves its CPUs about: there it
/// changes, fourfold on some, when they get to share an L3 cache or no longer do.
/// </summary>
internal static class CoreDistance
{
    /// <summary>Round trips in a sample: about a tenth of a millisecond.</summary>
    private const int Trips = 500;

    /// <summary>The shortest sample counts: in others something else ran on one of the CPUs.</summary>
    private const int Samples = 100;

    /// <summary>Measures; both CPUs are ours, and should be idle.</summary>
    /// <returns>Nanoseconds of a round trip.</returns>
    public static double Measure(int first, int second)
    {
        var lines = new Lines();
        var answering = new Thread(() => Answer(lines, second));
        double shortest = double.MaxValue;
        var asking = new Thread(() => shortest = Ask(lines, first));
        answering.Start();
        asking.Start();
        asking.Join();
        answering.Join();
        return shortest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Ask(Lines lines, int cpu)
    {
        Pin(cpu);
        double shortest = double.MaxValue;
        for (int sample = 0; sample < Samples; sample++)
        {
            long start = Stopwatch.GetTimestamp();
            for (int trip = 1; trip <= Trips; trip++)
            {
                int number = sample * Trips + trip;
                Volatile.Write(ref lines.Question, number);
                while (Volatile.Read(ref lines.Answer) != number)
                {
                }
            }

            shortest = Math.Min(shortest, Stopwatch.GetElapsedTime(start).TotalNanoseconds / Trips);
        }

        return shortest;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Answer(Lines lines, int cpu)
    {
        Pin(cpu);
        for (int number = 1; number <= Samples * Trips; number++)
        {
            while (Volatile.Read(ref lines.Question) != number)
            {
            }

            Volatile.Write(ref lines.Answer, number);
        }
    }

    private static void Pin(int cpu)
    {
        if (!ThreadAffinity.TrySet(0, new CpuSet([cpu])))
            throw new InvalidOperationException($"CPU {cpu} is not ours");
    }

    /// <summary>A line of its own for each direction (128 bytes on some Arm), and none that holds other objects, too.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 384)]
    private sealed class Lines
    {
        [FieldOffset(128)]
        public int Question;

        [FieldOffset(256)]
        public int Answer;
    }
}
