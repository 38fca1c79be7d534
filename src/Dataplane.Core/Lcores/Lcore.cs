namespace Dataplane.Lcores;

/// <summary>A logical core: a thread of its own that polls, bound to CPUs.</summary>
/// <param name="Id">What messages and statistics call it; the CPU's number unless asked otherwise.</param>
/// <param name="Index">0-based and dense within the runtime, in ascending order of the ids.</param>
/// <param name="Cpus">The CPUs it may run on, at least one.</param>
/// <param name="IsMain">Whether it is the main lcore, which prints the statistics.</param>
public sealed record Lcore(int Id, int Index, CpuSet Cpus, bool IsMain);
