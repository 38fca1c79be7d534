namespace L2Fwd;

/// <summary>The program cannot go on: it says why, in DPDK's words where DPDK has any, and exits with 1.</summary>
/// <param name="cause">What stands behind <c>Cause:</c>.</param>
/// <param name="remedy">
/// A sentence on a line of its own that says how to mend it; null if the cause says it all.
/// </param>
internal sealed class ExitException(string cause, string? remedy = null) : Exception(cause)
{
    /// <summary>How to mend it.</summary>
    public string? Remedy => remedy;
}
