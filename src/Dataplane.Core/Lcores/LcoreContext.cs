namespace Dataplane.Lcores;

/// <summary>
/// Says which lcore the calling thread is. Mempools ask it once per burst to find the cache of the calling lcore.
/// A thread is a lcore of at most one runtime; for pools of any other runtime it is a stranger and uses no cache.
/// </summary>
internal static class LcoreContext
{
    /// <summary>Most lcores of one runtime; DPDK's default RTE_MAX_LCORE.</summary>
    public const int MaxLcores = 128;

    [ThreadStatic]
    private static nint t_owner;

    [ThreadStatic]
    private static int t_index;

    /// <summary>Makes the calling thread the lcore with this index (0-based, dense, not its id) of a runtime.</summary>
    /// <param name="owner">The runtime's identity, not zero.</param>
    /// <param name="index">Below <see cref="MaxLcores"/>; no two threads of a runtime have the same at one time.</param>
    public static void Enter(nint owner, int index)
    {
        ArgumentOutOfRangeException.ThrowIfZero(owner);
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, MaxLcores);
        t_owner = owner;
        t_index = index;
    }

    /// <summary>Makes the calling thread an ordinary one again.</summary>
    public static void Leave() => t_owner = 0;

    /// <summary>The calling thread's index among the lcores of a runtime, or -1 if it is none of them.</summary>
    public static int IndexFor(nint owner) => t_owner == owner ? t_index : -1;
}
