namespace L2Fwd.CommandLine;

/// <summary>An option as getopt_long(3) knows it.</summary>
/// <param name="Short">The letter behind one dash; null if there is none.</param>
/// <param name="Long">The name behind two dashes; null if there is none.</param>
/// <param name="HasArgument">Whether it must have an argument.</param>
/// <param name="Normalize">
/// Checks the argument (empty where there is none) and says the option in the one spelling that is bound to
/// <see cref="L2FwdOptions"/>; throws <see cref="UsageException"/>.
/// </param>
internal sealed record GetoptOption(char? Short, string? Long, bool HasArgument, Func<string, string> Normalize);
