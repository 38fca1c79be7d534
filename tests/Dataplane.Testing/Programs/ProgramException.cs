namespace Dataplane.Testing.Programs;

/// <summary>A program beside us did not do what was expected; the message has what it printed last.</summary>
public sealed class ProgramException(string message) : Exception(message);
