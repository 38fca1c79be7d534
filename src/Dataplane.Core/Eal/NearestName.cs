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

    /// <summary>
    /// Letters to insert, leave out, replace, or swap with their neighbour (the optimal string alignment distance), a row
    /// at a time.
    /// </summary>
    public static int Distance(string a, string b)
    {
        int[] twoBefore = [], before = [], row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            (twoBefore, before, row) = (before, row, new int[b.Length + 1]);
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = before[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(before[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], twoBefore[j - 2] + 1);
            }
        }

        return row[b.Length];
    }
}
