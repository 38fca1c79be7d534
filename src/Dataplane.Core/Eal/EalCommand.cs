namespace Dataplane.Eal;

/// <summary>A command line, read: what the dataplane is started with, and what is left for the program.</summary>
public sealed record EalCommand
{
    /// <summary>What the dataplane is started with.</summary>
    public EalOptions Options { get; init; } = new();

    /// <summary>The program's own arguments: what stands after <c>--</c>, and before that stray words.</summary>
    public IReadOnlyList<string> ApplicationArguments { get; init; } = [];

    /// <summary>Sentences to log: options that are accepted but have no effect, or are deprecated.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary><c>--help</c> is given: print <see cref="EalCommandLine.Help"/> and exit with 0.</summary>
    public bool HelpRequested { get; init; }

    /// <summary><c>--log-level=help</c>: print <see cref="EalCommandLine.LogLevelHelp"/> and exit with 0.</summary>
    public bool LogLevelHelpRequested { get; init; }

    /// <summary><c>--version</c>: log the version and go on.</summary>
    public bool VersionRequested { get; init; }
}
