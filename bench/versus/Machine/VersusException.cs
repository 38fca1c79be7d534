namespace Versus.Machine;

/// <summary>The comparison cannot go on; the message says why, and where a program failed, what it printed last.</summary>
internal sealed class VersusException(string message) : Exception(message);
