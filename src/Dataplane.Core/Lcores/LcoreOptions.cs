namespace Dataplane.Lcores;

/// <summary>What the command line says of lcores, not yet compared with what the machine has.</summary>
public sealed record LcoreOptions
{
    /// <summary>Lcores with the CPUs of each, in the order given (<c>-l</c>, <c>--lcores</c>, <c>-c</c>); null: every CPU that the process may use.</summary>
    public IReadOnlyList<LcoreAssignment>? Assignments { get; init; }

    /// <summary>Id of the main lcore (<c>--main-lcore</c>); null: the lowest.</summary>
    public int? MainLcore { get; init; }

    /// <summary>Number lcores from this base on instead of by CPU (<c>-R</c>, <c>--remap-lcore-ids</c>); null: no.</summary>
    public int? RemapBase { get; init; }
}

/// <summary>One lcore and the CPUs its thread may run on.</summary>
/// <param name="LcoreId">The id that statistics and messages show.</param>
/// <param name="Cpus">At least one CPU.</param>
public sealed record LcoreAssignment(int LcoreId, CpuSet Cpus);
