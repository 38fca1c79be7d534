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

    /// <summary>The context that packets which ask for nothing refer to; zero if they need none.</summary>
    public Descriptor PlainContext { get; init; }

    /// <summary>What packets which ask for nothing need besides, in the high word; zero without <see cref="PlainContext"/>.</summary>
    public ulong PlainBits { get; init; }
}
