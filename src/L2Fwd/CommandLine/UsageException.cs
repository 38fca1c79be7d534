namespace L2Fwd.CommandLine;

/// <summary>The program's own arguments are wrong: it says which, shows the usage and exits with 1.</summary>
/// <param name="message">DPDK's words, or getopt's.</param>
/// <param name="remedy">What to write instead, in ours; null if the message says it all.</param>
/// <param name="fromGetopt">
/// Whether getopt complains, which does so on stderr; the program itself complains on stdout.
/// </param>
internal sealed class UsageException(string message, string? remedy = null, bool fromGetopt = false)
    : Exception(message)
{
    /// <summary>What to write instead.</summary>
    public string? Remedy => remedy;

    /// <summary>Whether getopt complains.</summary>
    public bool FromGetopt => fromGetopt;
}
