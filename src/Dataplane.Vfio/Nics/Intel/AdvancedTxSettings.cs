namespace Dataplane.Vfio.Nics.Intel;

/// <summary>In what the transmit queues of the drivers differ.</summary>
internal sealed record AdvancedTxSettings
{
    /// <summary>Offset of the queue's TDT in bytes.</summary>
    public required int TailRegister { get; init; }

    /// <summary>Longest frame that the device sends, without FCS, in bytes.</summary>
    public required int MaxFrame { get; init; }
}
