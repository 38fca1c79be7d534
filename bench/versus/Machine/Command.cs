using System.Diagnostics;

namespace Versus.Machine;

/// <summary>Runs small commands of the system to their end.</summary>
internal static class Command
{
    /// <summary>Runs a command that must succeed.</summary>
    /// <param name="line">Program and arguments, separated by single blanks.</param>
    /// <returns>What it printed, trimmed.</returns>
    public static string Run(string line) =>
        TryRun(line, out string output) ? output : throw new VersusException($"'{line}' failed: {output}");

    /// <summary>Runs a command that may fail.</summary>
    /// <param name="line">Program and arguments, separated by single blanks.</param>
    /// <param name="output">What it printed, trimmed; if it failed, also what it complained about.</param>
    public static bool TryRun(string line, out string output)
    {
        string[] words = line.Split(' ');
        using Process process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        if (process.ExitCode == 0)
            return true;
        output = $"{output} {errors.Result}".Trim();
        return false;
    }
}
