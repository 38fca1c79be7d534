namespace Dataplane.Eal;

/// <summary>A row of the table of options (<see cref="EalOptionTable"/>).</summary>
/// <param name="Name">The long name, without dashes.</param>
/// <param name="Group">The heading in the help under which it stands.</param>
/// <param name="Meaning">A line of help.</param>
internal sealed record EalOption(string Name, OptionGroup Group, string Meaning)
{
    /// <summary>The short name, without its dash.</summary>
    public char? Short { get; init; }

    /// <summary>Other long names.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>How the help calls the value, in brackets if it may be left out; null: there is none.</summary>
    public string? Argument { get; init; }

    /// <summary>Whether it may be given more than once with different values.</summary>
    public bool Repeatable { get; init; }

    /// <summary>Long names of options that cannot stand beside it; said once, for both.</summary>
    public IReadOnlyList<string> Excludes { get; init; } = [];

    /// <summary>What to tell who uses it: that it has no effect, that it is deprecated; null: nothing.</summary>
    public string? Notice { get; init; }

    /// <summary>What it does.</summary>
    public Func<EalCommand, OptionArgument, EalCommand> Apply { get; init; } = static (command, _) => command;

    /// <summary>Whether it must have a value.</summary>
    public bool NeedsArgument => Argument is not null && !ArgumentIsOptional;

    /// <summary>Whether it may have a value, which then must be written in the same word.</summary>
    public bool ArgumentIsOptional => Argument?.StartsWith('[') == true;

    /// <summary>All long names.</summary>
    public IEnumerable<string> LongNames => Aliases.Prepend(Name);
}

/// <summary>The headings of the help, in their order.</summary>
internal enum OptionGroup
{
    Lcores,
    Memory,
    Devices,
    Other,
    WithoutEffect,
}
