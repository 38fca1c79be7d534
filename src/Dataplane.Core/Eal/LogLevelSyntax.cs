using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Dataplane.Eal;

/// <summary>Reads <c>--log-level</c>: LEVEL, PATTERN:LEVEL or REGEXP,LEVEL, with DPDK's levels.</summary>
internal static class LogLevelSyntax
{
    /// <summary>DPDK's levels by their numbers, 1 to 8; a name may be cut short.</summary>
    private static readonly (string Name, LogLevel Level)[] s_levels =
    [
        ("emergency", LogLevel.Critical),
        ("alert", LogLevel.Critical),
        ("critical", LogLevel.Critical),
        ("error", LogLevel.Error),
        ("warning", LogLevel.Warning),
        ("notice", LogLevel.Information),
        ("info", LogLevel.Information),
        ("debug", LogLevel.Debug),
    ];

    /// <exception cref="FormatException">It is none of the three forms; the message says what is expected.</exception>
    public static LogLevelRule Parse(string text)
    {
        int comma = text.IndexOf(',', StringComparison.Ordinal);
        int split = comma >= 0 ? comma : text.IndexOf(':', StringComparison.Ordinal);
        LogLevel level = ParseLevel(text[(split + 1)..]);
        if (split < 0)
            return new LogLevelRule(null, IsRegex: false, level);
        string pattern = text[..split];
        if (pattern.Length == 0)
            throw new FormatException($"'{text}' has no pattern before '{text[split]}'");
        if (comma >= 0)
            CheckRegex(pattern);
        return new LogLevelRule(pattern, IsRegex: comma >= 0, level);
    }

    /// <summary>The text of <c>--log-level=help</c>.</summary>
    public static string Help()
    {
        var text = new StringBuilder("""
            --log-level LEVEL            log everything from this level on
            --log-level PATTERN:LEVEL    only categories that match a pattern with * and ?, as 'EAL' or 'pmd.net.*'
            --log-level REGEXP,LEVEL     only categories that match a regular expression
            The last that matches a category counts. 'lib.eal' is the category 'EAL', and so on.

            A level is a number or the first letters of a name:

            """);
        for (int i = 0; i < s_levels.Length; i++)
            text.Append(CultureInfo.InvariantCulture, $"  {i + 1}  {s_levels[i].Name}\n");
        return text.ToString();
    }

    private static LogLevel ParseLevel(string text)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0)
            return s_levels[Math.Min(number, s_levels.Length) - 1].Level;
        foreach ((string name, LogLevel level) in s_levels)
        {
            if (text.Length > 0 && name.StartsWith(text, StringComparison.Ordinal))
                return level;
        }

        throw new FormatException($"'{text}' is no level");
    }

    private static void CheckRegex(string pattern)
    {
        try
        {
            _ = LogLevelRule.MakeRegex(pattern);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            string reason = e.Message.TrimEnd('.');
            throw new FormatException($"'{pattern}' is no regular expression that we can use: {reason}", e);
        }
    }
}
