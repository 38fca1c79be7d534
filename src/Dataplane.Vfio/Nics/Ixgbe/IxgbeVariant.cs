using Dataplane.Vfio.Devices;

namespace Dataplane.Vfio.Nics.Ixgbe;

/// <summary>Which data sheet applies.</summary>
internal enum IxgbeFamily
{
    /// <summary>82599, data sheet 331520.</summary>
    I82599,

    /// <summary>X540, data sheet 334566.</summary>
    X540,

    /// <summary>X550, data sheet 333369.</summary>
    X550,
}

/// <summary>A device of the family, and in what it differs from the others.</summary>
/// <param name="Id">Its ids.</param>
/// <param name="Model">What it is called.</param>
/// <param name="Family">Which data sheet applies.</param>
/// <param name="IsFiber">Whether it has an SFP+ cage whose link the driver brings up; every other link is the firmware's.</param>
internal sealed record IxgbeVariant(PciId Id, string Model, IxgbeFamily Family, bool IsFiber = false)
{
    private const ushort Intel = 0x8086;

    /// <summary>The physical functions. X552 and X553 are not among them: their PHYs need a driver of their own.</summary>
    public static IReadOnlyList<IxgbeVariant> Physical { get; } =
    [
        new(new(Intel, 0x10F7), "82599 KX4 backplane", IxgbeFamily.I82599),
        new(new(Intel, 0x10F8), "82599 combined backplane", IxgbeFamily.I82599),
        new(new(Intel, 0x10F9), "82599 CX4", IxgbeFamily.I82599),
        new(new(Intel, 0x10FB), "82599ES SFP+", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x10FC), "82599 XAUI", IxgbeFamily.I82599),
        new(new(Intel, 0x1507), "82599 SFP+ (EM)", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x1514), "82599 KX4 mezzanine", IxgbeFamily.I82599),
        new(new(Intel, 0x1517), "82599 KR backplane", IxgbeFamily.I82599),
        new(new(Intel, 0x151C), "82599 10GBASE-T", IxgbeFamily.I82599),
        new(new(Intel, 0x1529), "82599 SFP+ (FCoE)", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x152A), "82599 backplane (FCoE)", IxgbeFamily.I82599),
        new(new(Intel, 0x154A), "82599 quad SFP+", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x154D), "82599 SFP+ (SF2)", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x154F), "82599 LS", IxgbeFamily.I82599),
        new(new(Intel, 0x1557), "82599EN SFP+", IxgbeFamily.I82599, IsFiber: true),
        new(new(Intel, 0x1558), "82599 QSFP+", IxgbeFamily.I82599),
        new(new(Intel, 0x1528), "X540-AT2", IxgbeFamily.X540),
        new(new(Intel, 0x1560), "X540-AT1", IxgbeFamily.X540),
        new(new(Intel, 0x1563), "X550-AT2", IxgbeFamily.X550),
        new(new(Intel, 0x15D1), "X550-AT1", IxgbeFamily.X550),
    ];

    /// <summary>The virtual functions; those of X552 and X553 are as those of X550.</summary>
    public static IReadOnlyList<IxgbeVariant> Virtual { get; } =
    [
        new(new(Intel, 0x10ED), "82599 virtual function", IxgbeFamily.I82599),
        new(new(Intel, 0x1515), "X540 virtual function", IxgbeFamily.X540),
        new(new(Intel, 0x1565), "X550 virtual function", IxgbeFamily.X550),
        new(new(Intel, 0x15A8), "X552 virtual function", IxgbeFamily.X550),
        new(new(Intel, 0x15C5), "X553 virtual function", IxgbeFamily.X550),
    ];

    /// <summary>
    /// How many queues RSS can spread over: an entry of the table has 4 bits (82599 8.2.3.7.12), on X550 6 (8.2.2.8.12).
    /// </summary>
    public int MaxRxQueues => Family == IxgbeFamily.X550 ? 64 : 16;

    /// <summary>All of the receive packet buffer, in KiB (82599 and X540 4.6.11.3.4).</summary>
    public uint RxPacketBuffer => Family == IxgbeFamily.I82599 ? 512u : 384u;

    /// <summary>
    /// How long the device needs after a reset: 82599 4.6.3.2 says at least 10 ms, Intel's drivers take 50 ms and,
    /// with the PHY of X540 and X550, 100 ms.
    /// </summary>
    public TimeSpan ResetTime { get; init; } = TimeSpan.FromMilliseconds(Family == IxgbeFamily.I82599 ? 50 : 100);
}
