namespace Dataplane.Vfio.Nics.Igb;

/// <summary>In what the devices of the driver differ.</summary>
internal sealed record IgbModel
{
    /// <summary>82576.</summary>
    public static readonly IgbModel I82576 = new() { Queues = 16, HasUnicastTable = true };

    /// <summary>I350.</summary>
    public static readonly IgbModel I350 = new() { Queues = 8, HasUnicastTable = true, IsNew = true };

    /// <summary>I210.</summary>
    public static readonly IgbModel I210 = new() { Queues = 4, IsNew = true, KeepsDropCounters = true };

    /// <summary>I211, a smaller I210.</summary>
    public static readonly IgbModel I211 = I210 with { Queues = 2 };

    /// <summary>Queues of either direction.</summary>
    public int Queues { get; private init; }

    /// <summary>Has a hash table for unicast addresses, too.</summary>
    public bool HasUnicastTable { get; private init; }

    /// <summary>
    /// I350 and I210: IVAR is laid out by pairs of queues instead of by queue modulo 8, the FCS is stripped by queue, and the
    /// PHY may be told to keep the link down.
    /// </summary>
    public bool IsNew { get; private init; }

    /// <summary>RQDPC is not cleared by reading (I210 data sheet 8.10.9).</summary>
    public bool KeepsDropCounters { get; private init; }
}
