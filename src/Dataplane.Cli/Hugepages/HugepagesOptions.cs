using CommandLine;

namespace Dataplane.Cli.Hugepages;

/// <summary>The arguments of <c>dataplane hugepages</c>.</summary>
[Verb("hugepages")]
internal sealed class HugepagesOptions
{
    /// <summary>Print what there is.</summary>
    [Option('s', "show")]
    public bool Show { get; init; }

    /// <summary>As JSON.</summary>
    [Option("json")]
    public bool Json { get; init; }

    /// <summary>How much to set aside.</summary>
    [Option("setup")]
    public string? Setup { get; init; }

    /// <summary>Size of the pages.</summary>
    [Option('p', "page-size")]
    public string? PageSize { get; init; }

    /// <summary>NUMA node of the pages.</summary>
    [Option('n', "node")]
    public int? Node { get; init; }

    /// <summary>Where the hugetlbfs shall be.</summary>
    [Option('m', "mount")]
    public string? Mount { get; init; }

    /// <summary>Give back what nobody uses.</summary>
    [Option('c', "clear")]
    public bool Clear { get; init; }

    /// <summary>What does not belong here.</summary>
    [Value(0)]
    public IEnumerable<string> Rest { get; init; } = [];
}
