using System.Globalization;
using System.Text.RegularExpressions;

namespace Dataplane.Testing.Programs;

/// <summary>What testpmd says of the cycles of its core.</summary>
/// <param name="PerPacket">Cycles of the TSC per packet, in rounds that found packets.</param>
/// <param name="Hz">Cycles of the TSC per second.</param>
public readonly partial record struct CoreCycles(double PerPacket, double Hz)
{
    /// <summary>Reads the line that has both; null if it is another.</summary>
    internal static CoreCycles? Find(string line) =>
        Line.Match(line) is { Success: true, Groups: var groups } ? new CoreCycles(Number(groups[1]), 1e6 * Number(groups[2])) : null;

    [GeneratedRegex(@"cycles/packet=([\d.]+) .* at (\d+) MHz")]
    private static partial Regex Line { get; }

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);
}
