namespace Dataplane;

/// <summary>
/// A failure that a person can mend: bad arguments, a missing privilege, a device that is not there.
/// Programs print <see cref="Exception.Message"/>, which is one sentence, and exit with 1; they show no stack trace.
/// </summary>
/// <param name="problem">What failed, on which device, file or option, and what the system said; no full stop at the end.</param>
/// <param name="remedy">The command, option or manifest line that mends it; null where there is none.</param>
/// <param name="innerException">The cause, for debuggers only.</param>
public class DataplaneException(string problem, string? remedy = null, Exception? innerException = null)
    : Exception(remedy is null ? problem : $"{problem}; {remedy}", innerException)
{
    /// <summary>What failed, without the remedy.</summary>
    public string Problem { get; } = problem;

    /// <summary>What mends it; null where nothing is known to.</summary>
    public string? Remedy { get; } = remedy;
}
