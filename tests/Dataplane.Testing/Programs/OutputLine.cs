using System.Diagnostics;

namespace Dataplane.Testing.Programs;

/// <summary>What a program printed, and when it arrived here.</summary>
/// <param name="Timestamp">In ticks of <see cref="Stopwatch"/>.</param>
/// <param name="Text">The line.</param>
public readonly record struct OutputLine(long Timestamp, string Text);
