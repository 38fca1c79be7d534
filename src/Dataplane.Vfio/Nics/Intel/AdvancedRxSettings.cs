using Dataplane.Linux;

namespace Dataplane.Vfio.Nics.Intel;

/// <summary>In what the receive queues of the drivers differ.</summary>
internal sealed record AdvancedRxSettings
{
    /// <summary>Offset of the queue's RDT in bytes.</summary>
    public required int TailRegister { get; init; }

    /// <summary>Where the device says that a checksum is wrong: <see cref="AdvancedRx.GigabitErrorShift"/> or its like.</summary>
    public required int ErrorShift { get; init; }

    /// <summary>Bits by which the device says that a frame is broken; zero if it keeps such frames to itself.</summary>
    public ulong FrameErrors { get; init; }

    /// <summary>
    /// Whether VLAN tags that the device takes out must be put back, because it takes out if it inserts and only that was
    /// asked for.
    /// </summary>
    public bool RestoresVlan { get; init; }

    /// <summary>Whether frames that the device spreads over several buffers are to be expected; they are right anyway.</summary>
    public bool Chains { get; init; }

    /// <summary>How the queue wakes a sleeping lcore; null if it need not.</summary>
    public RxInterrupt? Interrupt { get; init; }
}

/// <summary>The interrupt of a receive queue.</summary>
/// <param name="Event">What the interrupt signals; the port owns it.</param>
/// <param name="MaskSet">Offset of the register that lets the causes of its ones interrupt (EIMS), in bytes.</param>
/// <param name="MaskClear">Offset of the register that silences the causes of its ones (EIMC), in bytes.</param>
/// <param name="Cause">The queue's bit in both.</param>
internal sealed record RxInterrupt(EventFd Event, int MaskSet, int MaskClear, uint Cause);
