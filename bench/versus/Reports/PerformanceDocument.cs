namespace Versus.Reports;

/// <summary>docs/performance.md, part by part: a run writes the parts that it has measured, and the others stay.</summary>
internal static class PerformanceDocument
{
    private const string Heading = "\n## ";

    /// <summary>The order of those that we write; what other programs write stands behind them.</summary>
    private static readonly string[] s_order =
        ["Packets per second", "Ports between processes", "Latency at low load", "Start-up", "Garbage collection"];

    /// <summary>Puts a run's parts into a document.</summary>
    /// <param name="document">As it is; may be empty.</param>
    /// <param name="page">What the run has: what stands above the first part, and parts.</param>
    /// <param name="isComplete">Whether the run measured everything: then what stands above the first part is of the run too.</param>
    public static string Merge(string document, string page, bool isComplete)
    {
        string[] old = document.Split(Heading);
        string[] parts = page.Split(Heading);
        var merged = old[1..].ToDictionary(NameOf);
        foreach (string part in parts[1..])
            merged[NameOf(part)] = part.TrimEnd() + "\n";
        string head = isComplete || document.Length == 0 ? parts[0] : old[0];
        IEnumerable<string> ordered = merged.Keys.OrderBy(name => Array.IndexOf(s_order, name) is var index && index >= 0 ? index : s_order.Length);
        return string.Join(Heading, [head, .. ordered.Select(name => merged[name])]);
    }

    private static string NameOf(string part) => part.Split('\n')[0];
}
