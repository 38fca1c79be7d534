using System.Diagnostics;
using System.Globalization;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>How a run ended.</summary>
/// <param name="Name">Of the fuzzer.</param>
/// <param name="Seed">Of the run.</param>
/// <param name="Steps">How far it came.</param>
/// <param name="Problem">Empty if there was none.</param>
internal sealed record FuzzResult(string Name, int Seed, int Steps, string Problem)
{
    public bool IsGood => Problem.Length == 0;

    public override string ToString() => IsGood
        ? $"{Name}: seed {Seed}, {Steps} steps, nothing found"
        : $"{Name}: seed {Seed}, step {Steps - 1}: {Problem}";
}

/// <summary>A process of its own that attacks its own ports, so that its death or its hanging is just a result.</summary>
internal static class FuzzProcess
{
    /// <summary>Longer than any wait within a step.</summary>
    private static readonly TimeSpan LongestStep = TimeSpan.FromSeconds(90);

    public static FuzzResult Run(string name, TimeSpan time, int seed)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                "exec", typeof(FuzzProcess).Assembly.Location, FuzzProgram.WorkerVerb, name,
                ((int)time.TotalSeconds).ToString(CultureInfo.InvariantCulture), seed.ToString(CultureInfo.InvariantCulture),
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        int steps = 0;
        while (true)
        {
            Task<string?> line = process.StandardOutput.ReadLineAsync();
            if (!line.Wait(LongestStep))
            {
                process.Kill();
                return new FuzzResult(name, seed, steps, $"hangs: {errors.Result}");
            }

            if (line.Result is null)
                break;
            steps = int.Parse(line.Result, CultureInfo.InvariantCulture) + 1;
        }

        if (!process.WaitForExit(LongestStep))
        {
            process.Kill();
            return new FuzzResult(name, seed, steps, $"does not end: {errors.Result}");
        }

        return new FuzzResult(name, seed, steps, process.ExitCode == 0 ? "" : $"exit code {process.ExitCode}: {errors.Result}");
    }
}
