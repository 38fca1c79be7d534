namespace Dataplane.Vfio.Nics.Intel;

/// <summary>In what the transmit queues of the drivers differ.</summary>
internal sealed record AdvancedTxSettings
{
    /// <summary>Offset of the queue's TDT in bytes.</summary>
    public required int TailRegister { get; init; }

    /// <summary>Longest frame that the device sends, without FCS, in bytes.</summary>
    public required int MaxFrame { get; init; }

    /// <summary>What a packet that refers to a context needs besides, in the high word: <see cref="AdvancedTx.CheckContext"/> or nothing.</summary>
    public ulong ContextBits { get; init; }
}
