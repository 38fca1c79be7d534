namespace Dataplane.Virtio;

/// <summary>Flags of a descriptor, split (virtio 1.2, section 2.7.5) or packed (section 2.8.1 and 2.8.13).</summary>
[Flags]
internal enum DescriptorFlags : ushort
{
    /// <summary>The device reads the buffer, which ends here.</summary>
    None = 0,

    /// <summary>The buffer goes on in another descriptor (VIRTQ_DESC_F_NEXT).</summary>
    Next = 1 << 0,

    /// <summary>The device writes the buffer (VIRTQ_DESC_F_WRITE).</summary>
    Write = 1 << 1,

    /// <summary>The buffer is a table of descriptors (VIRTQ_DESC_F_INDIRECT).</summary>
    Indirect = 1 << 2,

    /// <summary>Packed: equal to the driver's wrap counter and unequal to <see cref="Used"/>: available.</summary>
    Available = 1 << 7,

    /// <summary>Packed: equal to <see cref="Available"/> and to the driver's wrap counter: used.</summary>
    Used = 1 << 15,
}
