using Dataplane.Cli.Hugepages;
using Dataplane.Linux;

namespace Dataplane.Cli.Tests;

/// <summary>How a command ended on a machine of a test's own.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Errors)
{
    /// <summary>Runs a command in this process.</summary>
    /// <param name="files">The machine.</param>
    /// <param name="arguments">The command line, split at blanks.</param>
    /// <param name="mounts">Who mounts; null: nobody is asked to.</param>
    public static CommandRun Of(HostFiles files, string arguments, IMounts? mounts = null)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        int exitCode = new Application(output, errors, files, mounts ?? new FakeMounts())
            .Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return new CommandRun(exitCode, output.ToString(), errors.ToString());
    }

    /// <summary>It did what was asked for, and said this.</summary>
    public void AssertPrints(string output) => Assert.Equal((0, output, ""), (ExitCode, Output, Errors));

    /// <summary>It failed with these words and printed nothing else.</summary>
    public void AssertFails(string errors) => Assert.Equal((1, "", errors), (ExitCode, Output, Errors));
}
