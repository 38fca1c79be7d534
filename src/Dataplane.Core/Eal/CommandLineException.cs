namespace Dataplane.Eal;

/// <summary>The command line is wrong before <c>--</c>. Programs show the sentence, and how they are used.</summary>
/// <param name="problem">Which option is wrong, and how.</param>
/// <param name="remedy">What to write instead.</param>
public sealed class CommandLineException(string problem, string? remedy = null) : DataplaneException(problem, remedy);
