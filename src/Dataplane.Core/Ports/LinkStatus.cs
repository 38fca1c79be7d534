namespace Dataplane.Ports;

/// <summary>The state of a port's link.</summary>
/// <param name="IsUp">Whether frames pass.</param>
/// <param name="SpeedMbps">Megabits per second; <see cref="UnknownSpeed"/> where the link does not say.</param>
/// <param name="FullDuplex">Whether both ends may send at once.</param>
/// <param name="AutoNegotiated">Whether the speed was negotiated rather than fixed.</param>
public readonly record struct LinkStatus(bool IsUp, uint SpeedMbps, bool FullDuplex = true, bool AutoNegotiated = false)
{
    /// <summary>The speed of a link that does not say its own (RTE_ETH_SPEED_NUM_UNKNOWN).</summary>
    public const uint UnknownSpeed = uint.MaxValue;

    /// <summary>A link that is down.</summary>
    public static readonly LinkStatus Down = new(IsUp: false, SpeedMbps: 0, FullDuplex: false);

    /// <summary>The link of a software port: as DPDK's, it claims 10 Gbit/s.</summary>
    public static readonly LinkStatus VirtualUp = new(IsUp: true, SpeedMbps: 10_000);

    /// <summary>As DPDK prints it: <c>Link up at 10 Gbps FDX Fixed</c> or <c>Link down</c>.</summary>
    public override string ToString() =>
        IsUp ? $"Link up at {SpeedText} {(FullDuplex ? "FDX" : "HDX")} {(AutoNegotiated ? "Autoneg" : "Fixed")}" : "Link down";

    private string SpeedText => SpeedMbps switch
    {
        0 => "None",
        UnknownSpeed => "Unknown",
        < 1000 => $"{SpeedMbps} Mbps",
        2500 => "2.5 Gbps",
        _ when SpeedMbps % 1000 == 0 => $"{SpeedMbps / 1000} Gbps",
        _ => "Invalid",
    };
}
