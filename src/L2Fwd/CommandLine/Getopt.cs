namespace L2Fwd.CommandLine;

/// <summary>
/// Takes a command line apart as glibc's getopt_long(3) does, complaints included: letters in one word (<c>-Pq2</c>),
/// arguments glued or apart, long names cut short as long as they stay unique, other words anywhere and ignored.
/// </summary>
/// <param name="program">The name that complaints start with.</param>
/// <param name="options">The options that there are.</param>
internal sealed class Getopt(string program, IReadOnlyList<GetoptOption> options)
{
    private const string EndOfOptions = "--";

    /// <summary>Says every option in its one normal spelling, in order.</summary>
    /// <exception cref="UsageException">The first option that is wrong, when the enumeration gets there.</exception>
    public IEnumerable<string> Normalize(IReadOnlyList<string> arguments)
    {
        var words = new Queue<string>(arguments);
        while (words.TryDequeue(out string? word) && word != EndOfOptions)
        {
            if (word.StartsWith(EndOfOptions, StringComparison.Ordinal))
            {
                yield return Long(word, words);
            }
            else if (word.Length > 1 && word[0] == '-')
            {
                foreach (string option in Letters(word, words))
                    yield return option;
            }
        }
    }

    private string Long(string word, Queue<string> words)
    {
        int equals = word.IndexOf('=', StringComparison.Ordinal);
        string name = equals < 0 ? word[2..] : word[2..equals];
        GetoptOption option = Find(name, word);
        if (!option.HasArgument)
        {
            return equals < 0
                ? option.Normalize("")
                : throw Complaint($"option '--{option.Long}' doesn't allow an argument");
        }

        if (equals >= 0)
            return option.Normalize(word[(equals + 1)..]);
        return words.TryDequeue(out string? argument)
            ? option.Normalize(argument)
            : throw Complaint($"option '--{option.Long}' requires an argument");
    }

    private GetoptOption Find(string name, string word)
    {
        GetoptOption[] found =
            [.. options.Where(option => option.Long?.StartsWith(name, StringComparison.Ordinal) == true)];
        if (found.FirstOrDefault(option => option.Long == name) is { } exact)
            return exact;
        return found switch
        {
            [GetoptOption only] => only,
            [] => throw Complaint($"unrecognized option '{word}'"),
            _ => throw Complaint($"option '{word}' is ambiguous; possibilities:{Names(found)}"),
        };

        static string Names(IEnumerable<GetoptOption> options) =>
            string.Concat(options.Select(option => $" '--{option.Long}'"));
    }

    private IEnumerable<string> Letters(string word, Queue<string> words)
    {
        for (int i = 1; i < word.Length; i++)
        {
            char letter = word[i];
            GetoptOption option = options.FirstOrDefault(option => option.Short == letter)
                ?? throw Complaint($"invalid option -- '{letter}'");
            if (!option.HasArgument)
            {
                yield return option.Normalize("");
                continue;
            }

            string? argument = i + 1 < word.Length ? word[(i + 1)..] : null;
            if (argument is null && !words.TryDequeue(out argument))
                throw Complaint($"option requires an argument -- '{letter}'");
            yield return option.Normalize(argument);
            yield break;
        }
    }

    private UsageException Complaint(string text) => new($"{program}: {text}", fromGetopt: true);
}
