namespace Dataplane.Vdev.Memif;

/// <summary>
/// Numbers of memif 2.0, as libmemif and DPDK have them. What flows from the client (formerly slave) to the server
/// (formerly master) is C2S, formerly S2M; the other direction is S2C.
/// </summary>
internal static class MemifNumbers
{
    /// <summary>MEMIF_VERSION: 2.0.</summary>
    public const ushort Version = 0x0200;

    /// <summary>MEMIF_COOKIE, at the start of each ring.</summary>
    public const uint Cookie = 0x3E31F20;

    /// <summary>MEMIF_RING_FLAG_MASK_INT: whoever receives from the ring polls it.</summary>
    public const ushort MaskInterrupt = 1;

    /// <summary>MEMIF_DESC_FLAG_NEXT: the frame goes on in the next descriptor.</summary>
    public const ushort Next = 1;

    /// <summary>MEMIF_MSG_ADD_RING_FLAG_C2S; without it the ring is S2C.</summary>
    public const ushort ClientToServer = 1;

    /// <summary>MEMIF_INTERFACE_MODE_ETHERNET.</summary>
    public const byte EthernetMode = 0;

    /// <summary>Most regions of a connection (ETH_MEMIF_MAX_REGION_NUM).</summary>
    public const int MaxRegions = 256;

    /// <summary>Most rings per direction (ETH_MEMIF_MAX_NUM_Q_PAIRS).</summary>
    public const int MaxRings = 255;

    /// <summary>Logarithm of the most descriptors of a ring (ETH_MEMIF_MAX_LOG2_RING_SIZE).</summary>
    public const int MaxLog2RingSize = 14;

    /// <summary>Bytes of a secret (ETH_MEMIF_SECRET_SIZE); the last one is zero.</summary>
    public const int SecretLength = 24;
}

/// <summary>The type of a message (MEMIF_MSG_TYPE_...).</summary>
#pragma warning disable CA1028 // It is 16 bits of a message.
internal enum MemifMessageType : ushort
#pragma warning restore CA1028
{
    /// <summary>No message.</summary>
    None,

    /// <summary>The server has done what the last message asked for.</summary>
    Ack,

    /// <summary>The server's first message: what it can do.</summary>
    Hello,

    /// <summary>The client's answer: which interface it wants.</summary>
    Init,

    /// <summary>The client shares memory; a file comes with it.</summary>
    AddRegion,

    /// <summary>The client says where a ring is; an eventfd comes with it.</summary>
    AddRing,

    /// <summary>The client is ready.</summary>
    Connect,

    /// <summary>The server is ready: frames may flow.</summary>
    Connected,

    /// <summary>Either side ends the connection.</summary>
    Disconnect,
}
