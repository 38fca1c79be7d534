namespace Dataplane.Virtio;

/// <summary>What a driver did that no driver may; the device's half of its ring stops then.</summary>
internal enum RingViolation : byte
{
    None,
    TooManyAvailable,
    HeadOutOfRange,
    AddressOutOfRange,
    EndlessChain,
    NextOutOfRange,
    TooManyPieces,
    BadIndirectTable,
    WrongDirection,
    BuffersTooShort,
}

/// <summary>Sentences for messages.</summary>
internal static class RingViolations
{
    /// <summary>As it reads after the driver's name.</summary>
    public static string Describe(this RingViolation violation) => violation switch
    {
        RingViolation.TooManyAvailable => "made more buffers available than the ring has descriptors (virtio 1.2, section 2.7.13)",
        RingViolation.HeadOutOfRange => "made a descriptor available that the ring does not have (virtio 1.2, section 2.7.6)",
        RingViolation.AddressOutOfRange => "gave the address of a buffer that is not in the memory it shares",
        RingViolation.EndlessChain => "chained more descriptors than the ring has (virtio 1.2, section 2.7.5.3.1)",
        RingViolation.NextOutOfRange => "chained a descriptor that does not exist (virtio 1.2, section 2.7.5)",
        RingViolation.TooManyPieces => $"made a buffer of more than {DeviceBuffer.MaxPieces} pieces available",
        RingViolation.BadIndirectTable => "gave a table of indirect descriptors that is none (virtio 1.2, section 2.7.5.3)",
        RingViolation.WrongDirection => "gave a buffer to read where one to write must be, or the other way round (virtio 1.2, section 5.1.6)",
        RingViolation.BuffersTooShort => $"gave buffers so short that a frame does not fit into {DeviceBuffer.MaxPieces} pieces of them",
        _ => "did nothing wrong",
    };
}
