using System.ComponentModel;
using System.Diagnostics;

namespace Dataplane.Tests.Shared;

/// <summary>Compilers, emulators and the .NET SDK, as tests run them.</summary>
internal static class Tool
{
    /// <summary>The folder of Dataplane.sln.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Skips the test where a tool is not installed; in CI, where .ci/run installs them all, the test goes on and fails.</summary>
    public static void Require(string tool, string package)
    {
        bool installed = Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(folder => File.Exists(Path.Combine(folder, tool)));
        bool ci = Environment.GetEnvironmentVariable("CI") == "true";
        Skip.IfNot(installed || ci, $"{tool} is not installed: apt-get install {package}");
    }

    /// <summary>Runs a program to its end; what it printed on stdout. Anything but exit code 0 fails the test with all that it printed.</summary>
    public static string Run(string program, params ReadOnlySpan<string> arguments) => RunIn(Repository, program, arguments);

    /// <inheritdoc cref="Run"/>
    public static string RunIn(string directory, string program, params ReadOnlySpan<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments.ToArray())
        {
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A build that a test starts is a build of its own, whatever the one around it was told.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";

        string command = $"{program} {string.Join(' ', start.ArgumentList)}";
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            string output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, $"{command} exited with {process.ExitCode}:\n{output}\n{errors.Result}");
            return output;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"{command} could not be started", e);
        }
    }

    private static string FindRepository()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Dataplane.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new InvalidOperationException($"No Dataplane.sln above {AppContext.BaseDirectory}");
    }
}
