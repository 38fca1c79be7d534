using System.Globalization;
using System.Reflection;
using CommandLine;
using Dataplane.Cli.CommandLine;
using Dataplane.Cli.Devbind;
using Dataplane.Cli.Hugepages;
using Dataplane.Linux;

namespace Dataplane.Cli;

/// <summary>The command from its arguments to its exit code: 0, or 1 where anything failed.</summary>
/// <param name="output">Standard output: what was asked for.</param>
/// <param name="errors">Standard error: what went wrong, and notices.</param>
/// <param name="files">Where /proc and /sys are.</param>
/// <param name="mounts">Who mounts.</param>
internal sealed class Application(TextWriter output, TextWriter errors, HostFiles files, IMounts mounts)
{
    /// <summary>Runs a command.</summary>
    public int Run(IReadOnlyList<string> arguments)
    {
        try
        {
            return Parse(arguments);
        }
        catch (DataplaneException e)
        {
            new ErrorReport(errors).Write(e);
            return 1;
        }
    }

    private int Parse(IReadOnlyList<string> arguments)
    {
        using var parser = new Parser(settings =>
        {
            settings.HelpWriter = null;
            settings.GetoptMode = true;
            settings.ParsingCulture = CultureInfo.InvariantCulture;
        });
        // The parser knows --help only.
        IEnumerable<string> words = arguments.Select(word => word == "-h" ? "--help" : word);
        ParserResult<object> result = parser.ParseArguments<DevbindOptions, HugepagesOptions>(words);
        return result.MapResult(
            (DevbindOptions options) => new DevbindCommand(output, errors, files).Run(options),
            (HugepagesOptions options) => new HugepagesCommand(output, errors, files, mounts).Run(options),
            failures => Answer([.. failures], result.TypeInfo.Current));
    }

    /// <summary>Help, the version, or what is wrong with the arguments.</summary>
    /// <param name="failures">What the parser says.</param>
    /// <param name="command">The options of the command that was recognized.</param>
    private int Answer(Error[] failures, Type command)
    {
        if (Array.Exists(failures, failure => failure is VersionRequestedError))
            output.WriteLine($"dataplane {Version}");
        else if (failures.OfType<HelpVerbRequestedError>().FirstOrDefault() is { } help)
            output.Write(HelpTexts.Of(help.Verb));
        else if (Array.Exists(failures, failure => failure is HelpRequestedError))
            output.Write(HelpTexts.Of(command.GetCustomAttribute<VerbAttribute>()?.Name));
        else
            throw ArgumentErrors.Describe(failures[0]);
        return 0;
    }

    private static string Version => typeof(Application).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
