namespace Dataplane.Lcores;

/// <summary>An immutable, ordered set of CPU numbers, written as Linux writes it: <c>0-3,7</c>.</summary>
public sealed class CpuSet : IEquatable<CpuSet>
{
    /// <summary>No CPU at all.</summary>
    public static readonly CpuSet Empty = new([]);

    // Ascending, each once. An array, because no set of numbers is compiled ahead in the class library: one made a sixth of
    // the methods that a program compiled before its first packet.
    private readonly int[] _cpus;

    /// <summary>The set of the given CPUs; duplicates count once.</summary>
    public CpuSet(IEnumerable<int> cpus)
    {
        var sorted = new List<int>(cpus);
        sorted.Sort();
        int count = 0;
        for (int i = 0; i < sorted.Count; i++)
        {
            if (i == 0 || sorted[i] != sorted[i - 1])
                sorted[count++] = sorted[i];
        }

        sorted.RemoveRange(count, sorted.Count - count);
        _cpus = sorted.ToArray();
    }

    /// <summary>The CPUs in ascending order.</summary>
    public IReadOnlyList<int> Cpus => _cpus;

    /// <summary>How many CPUs the set has.</summary>
    public int Count => _cpus.Length;

    /// <summary>Whether the set has a CPU.</summary>
    public bool Contains(int cpu) => Array.BinarySearch(_cpus, cpu) >= 0;

    /// <summary>The CPUs of this set that the other does not have.</summary>
    public CpuSet Except(CpuSet other) => new(Array.FindAll(_cpus, cpu => !other.Contains(cpu)));

    /// <summary>The CPUs that both sets have.</summary>
    public CpuSet Intersect(CpuSet other) => new(Array.FindAll(_cpus, other.Contains));

    /// <summary>The CPUs that either set has.</summary>
    public CpuSet Union(CpuSet other) => new([.. _cpus, .. other._cpus]);

    /// <inheritdoc/>
    public bool Equals(CpuSet? other) => other is not null && _cpus.AsSpan().SequenceEqual(other._cpus);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CpuSet);

    /// <inheritdoc/>
    public override int GetHashCode() => _cpus.Aggregate(0, HashCode.Combine);

    /// <summary>Reads the kernel's list format (<c>0-3,7</c>; also empty), as sysfs and cgroup files have it.</summary>
    /// <exception cref="FormatException">The text is not such a list.</exception>
    public static CpuSet Parse(string list)
    {
        var cpus = new List<int>();
        foreach (string range in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int dash = range.IndexOf('-', StringComparison.Ordinal);
            int first = ParseCpu(dash < 0 ? range : range[..dash], list);
            int last = dash < 0 ? first : ParseCpu(range[(dash + 1)..], list);
            if (last < first)
                throw new FormatException($"'{range}' in the CPU list '{list}' ends before it starts");
            cpus.AddRange(Enumerable.Range(first, last - first + 1));
        }

        return new CpuSet(cpus);
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var ranges = new List<string>();
        for (int i = 0; i < _cpus.Length;)
        {
            int first = _cpus[i], last = first;
            while (++i < _cpus.Length && _cpus[i] == last + 1)
                last++;
            ranges.Add(first == last ? $"{first}" : $"{first}-{last}");
        }

        return string.Join(',', ranges);
    }

    private static int ParseCpu(string text, string list) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, null, out int cpu) && cpu < MaxCpus
            ? cpu
            : throw new FormatException($"'{text}' in the CPU list '{list}' is not a CPU number below {MaxCpus}");

    /// <summary>More CPUs than any Linux of today is built for (NR_CPUS is at most 8192); bounds what a list may make us allocate.</summary>
    internal const int MaxCpus = 8192;
}
