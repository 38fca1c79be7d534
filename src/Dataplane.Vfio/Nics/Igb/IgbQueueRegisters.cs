namespace Dataplane.Vfio.Nics.Igb;

/// <summary>
/// Registers of queues (82576 data sheet 8.10 and 8.12): the same at other places for the PF and for a VF. Offsets in bytes.
/// Those of the ring are in <see cref="Intel.RingRegisters"/>.
/// </summary>
/// <param name="Rx0">The first register of rx queue 0.</param>
/// <param name="Tx0">The first register of tx queue 0.</param>
/// <param name="Distance">From one queue to the next.</param>
internal sealed record IgbQueueRegisters(int Rx0, int Tx0, int Distance)
{
    /// <summary>From a queue of the PF to the next.</summary>
    public const int Stride = 0x40;

    /// <summary>Kind of descriptor and size of buffers (SRRCTL); within a queue's registers.</summary>
    public const int Srrctl = 0x0C;

    /// <summary>When descriptors are fetched and written back, and whether the queue is on (RXDCTL, TXDCTL).</summary>
    public const int Control = 0x28;

    /// <summary>Frames dropped because the ring had no buffer (RQDPC).</summary>
    public const int Dropped = 0x30;

    /// <summary>SRRCTL.DESCTYPE: advanced descriptors with one buffer; the size of buffers in KiB stands in the low bits.</summary>
    public const uint SrrctlOneBuffer = 1u << 25;

    /// <summary>SRRCTL.DROP_EN: drop frames if the ring has no buffer, rather than stop all queues.</summary>
    public const uint SrrctlDrop = 1u << 31;

    /// <summary>RXDCTL.ENABLE and TXDCTL.ENABLE.</summary>
    public const uint ControlEnable = 1u << 25;

    /// <summary>
    /// RXDCTL: prefetch below 8 with 8 to be had, write back each at once. More than one at a time leaves packets lying on a
    /// 82576 (specification update, erratum on WTHRESH).
    /// </summary>
    public const uint RxThresholds = 8 | (8 << 8) | (1 << 16);

    /// <summary>TXDCTL: prefetch below 8 with 1 to be had, write back each that asks for it at once.</summary>
    public const uint TxThresholds = 8 | (1 << 8) | (1 << 16);

    /// <summary>A PF's.</summary>
    public static readonly IgbQueueRegisters OfPhysicalFunction = new(0xC000, 0xE000, Stride);

    /// <summary>A VF's (82576 data sheet 8.26).</summary>
    public static readonly IgbQueueRegisters OfVirtualFunction = new(0x2800, 0x3800, 0x100);

    /// <summary>The first register of an rx queue.</summary>
    public int Rx(int queue) => Rx0 + (queue * Distance);

    /// <summary>The first register of a tx queue.</summary>
    public int Tx(int queue) => Tx0 + (queue * Distance);
}
