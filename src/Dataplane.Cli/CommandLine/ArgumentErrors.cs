using CommandLine;
using Dataplane.Eal;

namespace Dataplane.Cli.CommandLine;

/// <summary>What is wrong with the arguments, in a sentence.</summary>
internal static class ArgumentErrors
{
    private static readonly string[] s_commands = ["devbind", "hugepages"];

    /// <summary>The sentence for what the parser found.</summary>
    public static CommandLineException Describe(Error error) => error switch
    {
        NoVerbSelectedError => new("No command is given", "write 'dataplane devbind ...' or 'dataplane hugepages ...'; --help says what they do"),
        BadVerbSelectedError e => new(
            $"There is no command '{e.Token}'", $"did you mean '{NearestName.Find(e.Token, s_commands)}'? --help lists the commands"),
        UnknownOptionError e => new($"There is no option '{Dashes(e.Token)}'", "--help behind the command lists its options"),
        MissingValueOptionError e => new($"Option '{Name(e)}' needs a value", "--help behind the command says which"),
        BadFormatConversionError e => new($"The value of option '{Name(e)}' cannot be read", "--help behind the command says what it takes"),
        RepeatedOptionError e => new($"Option '{Name(e)}' is given more than once", "give it once"),
        _ => new($"The arguments cannot be read ({error.Tag})", "--help behind the command lists its options"),
    };

    /// <summary>The name as it is written: the parser leaves the dashes out.</summary>
    private static string Dashes(string name) => name.Length == 1 ? $"-{name}" : $"--{name}";

    private static string Name(NamedError error) => Dashes(error.NameInfo.LongName);
}
