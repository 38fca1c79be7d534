namespace L2Fwd.CommandLine;

/// <summary>Two ports that forward to each other; the same port twice forwards to itself.</summary>
internal readonly record struct PortPair(int First, int Second);

/// <summary>
/// The argument of <c>--portmap</c>: <c>(0,3)(1,2)</c>. Text outside of brackets does not count, as in DPDK.
/// </summary>
internal sealed record PortMap
{
    /// <summary>More ports than this are not addressable: the portmask has 32 bits (DPDK's RTE_MAX_ETHPORTS).</summary>
    public const int MaxPorts = 32;

    private const int MaxPairs = MaxPorts / 2;

    /// <summary>Most characters between the brackets; DPDK's buffer of 256 bytes.</summary>
    private const int MaxPairLength = 255;

    private const string Form = "write pairs of port numbers in brackets, such as --portmap=\"(0,3)(1,2)\"";

    /// <summary>Reads the argument.</summary>
    /// <exception cref="UsageException">A bracket does not hold two port numbers.</exception>
    public PortMap(string text)
    {
        var pairs = new List<PortPair>();
        for (int open = text.IndexOf('(', StringComparison.Ordinal); open >= 0; open = text.IndexOf('(', open))
        {
            int close = text.IndexOf(')', open);
            if (close < 0)
                throw Invalid("a bracket is never closed");
            pairs.Add(ParsePair(text[(open + 1)..close]));
            open = close;
        }

        if (pairs.Count > MaxPairs)
            throw Invalid($"there are {pairs.Count} pairs, but at most {MaxPairs} can be");
        Pairs = pairs;
    }

    /// <summary>The pairs, in order; none if there are no brackets.</summary>
    public IReadOnlyList<PortPair> Pairs { get; }

    /// <summary>The pairs as they are written; never empty.</summary>
    public override string ToString() =>
        Pairs.Count == 0 ? "none" : string.Concat(Pairs.Select(pair => $"({pair.First},{pair.Second})"));

    private static PortPair ParsePair(string text)
    {
        string[] fields = text.Split(',');
        return text.Length <= MaxPairLength && fields.Length == 2
            ? new PortPair(ParsePort(fields[0]), ParsePort(fields[1]))
            : throw Invalid($"'({text})' is not two ports");
    }

    private static int ParsePort(string text) =>
        CStyleNumber.TryParse(text.AsSpan().TrimEnd(), 0, out uint port) && port < MaxPorts
            ? (int)port
            : throw Invalid($"'{text}' is no port below {MaxPorts}");

    private static UsageException Invalid(string reason) => new("Invalid config", $"{reason}; {Form}");
}
