using System.Diagnostics;

namespace Dataplane.Testing;

/// <summary>Runs programs of the machine.</summary>
public static class Shell
{
    /// <summary>How long a program may take before it is ended and the test fails.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="InvalidOperationException">Its exit code is not 0; the message has what it wrote.</exception>
    public static string Run(string file, params IEnumerable<string> arguments) => Run(Patience, file, arguments);

    /// <inheritdoc cref="Run(string, IEnumerable{string})"/>
    /// <param name="patience">How long it may take before it is ended and the test fails.</param>
    public static string Run(TimeSpan patience, string file, params IEnumerable<string> arguments)
    {
        ShellResult result = TryRun(patience, file, arguments);
        return result.ExitCode == 0 ? result.Output : throw new InvalidOperationException(result.ToString());
    }

    /// <summary>Runs a program to its end, whatever its exit code.</summary>
    public static ShellResult TryRun(string file, params IEnumerable<string> arguments) => TryRun(Patience, file, arguments);

    private static ShellResult TryRun(TimeSpan patience, string file, IEnumerable<string> arguments)
    {
        using Process process = Start(file, arguments);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(patience))
        {
            process.Kill(entireProcessTree: true);
            throw new InvalidOperationException($"'{process.StartInfo.FileName}' did not end within {patience.TotalSeconds} s");
        }

        return new ShellResult($"{file} {string.Join(' ', process.StartInfo.ArgumentList)}", process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program with its standard streams redirected; the caller reads, ends and disposes it.</summary>
    public static Process Start(string file, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(file, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException($"'{file}' did not start");
    }
}

/// <summary>How a program ended.</summary>
/// <param name="Command">What was run.</param>
/// <param name="ExitCode">0 for success.</param>
/// <param name="Output">What it wrote to standard output.</param>
/// <param name="Error">What it wrote to standard error.</param>
public sealed record ShellResult(string Command, int ExitCode, string Output, string Error)
{
    /// <inheritdoc/>
    public override string ToString() => $"'{Command}' ended with {ExitCode}: {Output}{Error}";
}
