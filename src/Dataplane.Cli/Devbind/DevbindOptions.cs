using CommandLine;

namespace Dataplane.Cli.Devbind;

/// <summary>The arguments of <c>dataplane devbind</c>.</summary>
[Verb("devbind")]
internal sealed class DevbindOptions
{
    /// <summary>Print what there is.</summary>
    [Option('s', "status")]
    public bool Status { get; init; }

    /// <summary>As JSON.</summary>
    [Option("json")]
    public bool Json { get; init; }

    /// <summary>The driver to give the devices to; <c>none</c> is as good as <see cref="Unbind"/>.</summary>
    [Option('b', "bind")]
    public string? Bind { get; init; }

    /// <summary>Take the devices from their drivers.</summary>
    [Option('u', "unbind")]
    public bool Unbind { get; init; }

    /// <summary>Give the devices to the kernel's own drivers.</summary>
    [Option("restore")]
    public bool Restore { get; init; }

    /// <summary>Even if somebody needs them.</summary>
    [Option("force")]
    public bool Force { get; init; }

    /// <summary>The devices.</summary>
    [Value(0)]
    public IEnumerable<string> Devices { get; init; } = [];
}
