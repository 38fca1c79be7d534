namespace Dataplane.Eal;

/// <summary>Finds what somebody may have meant.</summary>
internal static class NearestName
{
    /// <summary>The candidate that the text begins, or else the one with the fewest letters to change.</summary>
    /// <param name="text">What was written.</param>
    /// <param name="candidates">What can be written; at least one.</param>
    public static string Find(string text, IEnumerable<string> candidates) => candidates
        .OrderBy(name => text.Length > 0 && name.StartsWith(text, StringComparison.Ordinal) ? 0 : Distance(text, name))
        .ThenBy(name => name, StringComparer.Ordinal)
        .First();

    /// <summary>Levenshtein's distance, a row at a time.</summary>
    public static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
