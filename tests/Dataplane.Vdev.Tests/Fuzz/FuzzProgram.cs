using System.Diagnostics;
using System.Globalization;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>
/// Fuzzing by hand, for as long as one likes: <c>dotnet Dataplane.Vdev.Tests.dll NAME SECONDS [SEED [STEP]]</c>, where a
/// step repeats just that one. Every minute a new process starts with the next seed.
/// </summary>
internal static class FuzzProgram
{
    /// <summary>The first argument of the process that attacks itself.</summary>
    public const string WorkerVerb = "fuzz-worker";

    private const int StepsPerCheck = 100;

    public static int Main(string[] arguments)
    {
        if (arguments.Length is < 2 or > 5)
        {
            Console.Error.WriteLine($"usage: NAME SECONDS [SEED [STEP]]; NAME is one of {string.Join(", ", Fuzzer.All.Keys)}");
            return 2;
        }

        bool isWorker = arguments[0] == WorkerVerb;
        string[] rest = isWorker ? arguments[1..] : arguments;
        var time = TimeSpan.FromSeconds(int.Parse(rest[1], CultureInfo.InvariantCulture));
        int seed = rest.Length > 2 ? int.Parse(rest[2], CultureInfo.InvariantCulture) : Environment.TickCount;
        int? step = rest.Length > 3 ? int.Parse(rest[3], CultureInfo.InvariantCulture) : null;
        if (isWorker || step is not null)
            return Work(rest[0], time, seed, step);
        return Supervise(rest[0], time, seed);
    }

    private static int Supervise(string name, TimeSpan time, int seed)
    {
        long start = Stopwatch.GetTimestamp();
        long steps = 0;
        while (Stopwatch.GetElapsedTime(start) < time)
        {
            FuzzResult result = FuzzProcess.Run(name, TimeSpan.FromSeconds(Math.Min(60, time.TotalSeconds)), seed++);
            steps += result.Steps;
            Console.WriteLine($"{DateTime.Now:HH:mm:ss} {result}");
            if (!result.IsGood)
                return 1;
        }

        Console.WriteLine($"{name}: {steps} steps in {Stopwatch.GetElapsedTime(start).TotalMinutes:F0} minutes found nothing");
        return 0;
    }

    private static int Work(string name, TimeSpan time, int seed, int? only)
    {
        long start = Stopwatch.GetTimestamp();
        // What the console opens is not to be taken for a loss.
        Console.WriteLine(only ?? 0);
        using Fuzzer fuzzer = Fuzzer.All[name](seed);
        fuzzer.CheckDeeply();
        for (int step = only ?? 0; Stopwatch.GetElapsedTime(start) < time && step <= (only ?? int.MaxValue); step++)
        {
            Console.WriteLine(step);
            fuzzer.Step(new Random(HashCode(seed, step)));
            fuzzer.Check();
            if (step % StepsPerCheck == StepsPerCheck - 1)
                fuzzer.CheckDeeply();
        }

        fuzzer.CheckDeeply();
        return 0;
    }

    /// <summary>The same in every process, which that of the framework is not.</summary>
    private static int HashCode(int seed, int step) => unchecked((seed * 1_000_003) + step);
}
