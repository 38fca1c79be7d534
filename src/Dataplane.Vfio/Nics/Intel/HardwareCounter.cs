namespace Dataplane.Vfio.Nics.Intel;

/// <summary>How a statistics register counts.</summary>
internal enum CounterKind
{
    /// <summary>32 bits, zero after each read.</summary>
    ClearOnRead,

    /// <summary>A pair: the low half at the offset, the high half behind it; zero after the high half is read.</summary>
    ClearOnReadPair,

    /// <summary>32 bits that run on and wrap, as VFs have them.</summary>
    Running,
}

/// <summary>A statistics register.</summary>
/// <param name="Name">DPDK's name of the extended statistic; null for what only the driver uses.</param>
/// <param name="Offset">Where it is, in bytes.</param>
/// <param name="Kind">How it counts.</param>
internal sealed record HardwareCounter(string? Name, int Offset, CounterKind Kind = CounterKind.ClearOnRead);
