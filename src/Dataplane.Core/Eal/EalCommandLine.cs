using Dataplane.Lcores;

namespace Dataplane.Eal;

/// <summary>
/// Reads DPDK's command line up to <c>--</c>, options as <c>--name value</c>, <c>--name=value</c>, <c>-x value</c> or
/// <c>-xvalue</c>.
/// Long names must be whole. A value that may be left out is written in the same word.
/// </summary>
public static class EalCommandLine
{
    private const string EndOfOptions = "--";
    private const string LeaveOneOut = "leave one of them out";
    private const string WhereToLook = "--help lists all, and options of the program come after --";

    /// <summary>Reads a command line.</summary>
    /// <param name="arguments">What the program was started with, without its own name.</param>
    /// <exception cref="CommandLineException">An option is unknown, its value wrong, or two contradict.</exception>
    public static EalCommand Parse(IReadOnlyList<string> arguments)
    {
        var command = new EalCommand();
        var given = new Dictionary<EalOption, OptionArgument>();
        var notices = new List<string>();
        var words = new List<string>();
        int next = 0;
        while (next < arguments.Count)
        {
            string word = arguments[next++];
            if (word == EndOfOptions)
                break;
            if (word.Length < 2 || word[0] != '-')
            {
                notices.Add($"'{word}' is no option; it is passed on to the program");
                words.Add(word);
                continue;
            }

            (EalOption option, OptionArgument argument) = Split(word);
            if (option.NeedsArgument && argument.Text is null)
                argument = argument with { Text = TakeValue(option, argument, arguments, ref next) };
            if (!given.TryAdd(option, argument) && !option.Repeatable && given[option].Text != argument.Text)
                throw Twice(given[option], argument);

            command = option.Apply(command, argument);
            if (command.HelpRequested || command.LogLevelHelpRequested)
                return command;
            if (option.Notice is not null)
                notices.Add($"Option '{argument.Option}' {option.Notice}");
        }

        CheckConflicts(given);
        return command with
        {
            ApplicationArguments = [.. words, .. arguments.Skip(next)],
            Notices = [.. notices.Distinct(StringComparer.Ordinal)],
        };
    }

    /// <summary>What <c>--help</c> prints: every option. The program appends its own.</summary>
    /// <param name="program">The name that the user typed.</param>
    public static string Help(string program) => EalHelp.Text(program);

    /// <summary>What <c>--log-level=help</c> prints.</summary>
    public static string LogLevelHelp() => LogLevelSyntax.Help();

    /// <summary>Finds a word's option, and the value that is part of the word.</summary>
    private static (EalOption Option, OptionArgument Argument) Split(string word)
    {
        EalOption? option;
        string spelling;
        string? value;
        if (word.StartsWith("--", StringComparison.Ordinal))
        {
            int equals = word.IndexOf('=', StringComparison.Ordinal);
            spelling = equals < 0 ? word : word[..equals];
            value = equals < 0 ? null : word[(equals + 1)..];
            option = EalOptionTable.All.FirstOrDefault(
                row => row.LongNames.Contains(spelling[2..], StringComparer.Ordinal));
        }
        else
        {
            spelling = word[..2];
            value = word.Length == 2 ? null : word[2] == '=' ? word[3..] : word[2..];
            option = EalOptionTable.All.FirstOrDefault(row => row.Short == spelling[1]);
        }

        if (option is null)
            throw Unknown(spelling);
        return option.Argument is null && value is not null
            ? throw new CommandLineException(
                $"Option '{spelling}' takes no value, but '{word}' gives it '{value}'", $"write {spelling}")
            : (option, new OptionArgument(spelling, value));
    }

    private static string TakeValue(
        EalOption option, OptionArgument argument, IReadOnlyList<string> arguments, ref int next) =>
        // No value of any option starts with a dash: what does is the next option, and the value was forgotten.
        next < arguments.Count && !(arguments[next].Length > 1 && arguments[next][0] == '-')
            ? arguments[next++]
            : throw new CommandLineException(
                $"Option '{argument.Option}' needs a value", $"write {argument.Option} {option.Argument}");

    private static CommandLineException Twice(OptionArgument first, OptionArgument second) => new(
        $"Option '{second.Option}' is given twice, with '{first.Text}' and with '{second.Text}'", LeaveOneOut);

    private static CommandLineException Unknown(string spelling)
    {
        if (spelling.StartsWith("--", StringComparison.Ordinal))
        {
            string name = NearestName.Find(spelling[2..], EalOptionTable.All.SelectMany(row => row.LongNames));
            return new CommandLineException($"Option '{spelling}' is unknown; the nearest is '--{name}'", WhereToLook);
        }

        // Between single letters only the case is a likely slip.
        char letter = char.ToUpperInvariant(spelling[1]);
        EalOption? near = EalOptionTable.All.FirstOrDefault(
            row => row.Short is { } other && char.ToUpperInvariant(other) == letter);
        return new CommandLineException(
            $"Option '{spelling}' is unknown" + (near is null ? "" : $"; the nearest is '-{near.Short}'"), WhereToLook);
    }

    private static void CheckConflicts(Dictionary<EalOption, OptionArgument> given)
    {
        foreach ((EalOption option, OptionArgument argument) in given)
        {
            foreach ((EalOption other, OptionArgument otherArgument) in given)
            {
                if (!option.Excludes.Contains(other.Name, StringComparer.Ordinal))
                    continue;
                throw new CommandLineException(
                    $"Options '{argument.Option}' and '{otherArgument.Option}' can't be used at the same time",
                    LeaveOneOut);
            }
        }

        OptionArgument remap = given.FirstOrDefault(pair => pair.Key.Name == "remap-lcore-ids").Value;
        OptionArgument lcores = given.FirstOrDefault(pair => pair.Key.Name == "lcores").Value;
        if (remap.Option is not null && lcores.Text is not null && LcoreList.IsMap(lcores.Text))
        {
            throw new CommandLineException(
                $"Option '{remap.Option}' can't be used with '@' or '(' in '{lcores.Option} {lcores.Text}'",
                $"leave out {remap.Option}, or list only CPUs");
        }
    }
}
