namespace Versus.Machine;

/// <summary>Where a process runs.</summary>
/// <param name="Cpu">The only CPU that it and its threads may use.</param>
/// <param name="NetworkNamespace">Its network namespace; null for the machine's own.</param>
internal sealed record Placement(int Cpu, string? NetworkNamespace = null)
{
    /// <summary>The program under test.</summary>
    public const int DeviceCpu = 0;

    /// <summary>The peer, and the versus program itself.</summary>
    public const int PeerCpu = 1;

    /// <summary>
    /// The words in front of a command that put it there. Each of these programs executes the next in its own place, so
    /// that the process that is started is the program in the end. In the background of a script SIGINT is ignored, and
    /// so would every program that is started there.
    /// </summary>
    public IEnumerable<string> Prefix =>
        (NetworkNamespace is null ? [] : (IEnumerable<string>)["ip", "netns", "exec", NetworkNamespace])
        .Concat(["taskset", "-c", $"{Cpu}", "env", "--default-signal=INT"]);
}
