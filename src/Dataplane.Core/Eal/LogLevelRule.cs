using System.IO.Enumeration;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Dataplane.Eal;

/// <summary>One <c>--log-level</c>: from which level on the categories that match are logged.</summary>
/// <param name="Pattern">A glob (<c>pmd.*</c>) or a regular expression; null: every category.</param>
/// <param name="IsRegex">Whether <paramref name="Pattern"/> is a regular expression.</param>
/// <param name="Level">The lowest level that is logged.</param>
public sealed record LogLevelRule(string? Pattern, bool IsRegex, LogLevel Level)
{
    /// <summary>
    /// Whether the rule speaks of a category. Case does not matter, and DPDK's name of a library's log counts as well:
    /// <c>lib.eal</c> is the category <c>EAL</c>.
    /// </summary>
    public bool Matches(string category) => Pattern is null || MatchesName(category) || MatchesName($"lib.{category}");

    /// <summary>The lowest level that is logged of a category: what the last rule that matches says.</summary>
    /// <param name="rules">In the order of the command line.</param>
    /// <param name="category">The logger's category.</param>
    /// <param name="otherwise">The level if no rule matches.</param>
    public static LogLevel LevelOf(IEnumerable<LogLevelRule> rules, string category, LogLevel otherwise) =>
        rules.LastOrDefault(rule => rule.Matches(category))?.Level ?? otherwise;

    /// <summary>A regular expression as rules use it: whatever it is, its time is linear in the name.</summary>
    /// <exception cref="ArgumentException">It is none.</exception>
    /// <exception cref="NotSupportedException">It has look-around or back references.</exception>
    internal static Regex MakeRegex(string pattern) =>
        new(pattern, RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);

    private bool MatchesName(string name) => IsRegex
        ? MakeRegex(Pattern!).IsMatch(name)
        : FileSystemName.MatchesSimpleExpression(Pattern, name, ignoreCase: true);
}
