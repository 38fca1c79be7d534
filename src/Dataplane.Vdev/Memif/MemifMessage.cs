using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Vdev.Memif;

/// <summary>A message of memif 2.0: 128 bytes, packed, of which the type says what the rest is (memif.h: memif_msg_t).</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct MemifMessage
{
    public const int Length = 128;

    [FieldOffset(0)] public MemifMessageType Type;
    [FieldOffset(2)] public MemifHello Hello;
    [FieldOffset(2)] public MemifInit Init;
    [FieldOffset(2)] public MemifAddRegion AddRegion;
    [FieldOffset(2)] public MemifAddRing AddRing;

    /// <summary>Of <see cref="MemifMessageType.Connect"/> and <see cref="MemifMessageType.Connected"/>: the sender's interface.</summary>
    [FieldOffset(2)] public MemifName InterfaceName;

    [FieldOffset(2)] public MemifDisconnect Disconnect;
}

/// <summary>memif_msg_hello_t. What it calls the most is the highest index: there may be one more.</summary>
[StructLayout(LayoutKind.Explicit, Pack = 1, Size = 43)]
internal struct MemifHello
{
    [FieldOffset(0)] public MemifName Name;
    [FieldOffset(32)] public ushort MinVersion;
    [FieldOffset(34)] public ushort MaxVersion;
    [FieldOffset(36)] public ushort MaxRegion;
    [FieldOffset(38)] public ushort MaxS2cRing;
    [FieldOffset(40)] public ushort MaxC2sRing;
    [FieldOffset(42)] public byte MaxLog2RingSize;
}

/// <summary>memif_msg_init_t.</summary>
[StructLayout(LayoutKind.Explicit, Pack = 1, Size = 63)]
internal struct MemifInit
{
    [FieldOffset(0)] public ushort Version;
    [FieldOffset(2)] public uint Id;
    [FieldOffset(6)] public byte Mode;
    [FieldOffset(7)] public MemifSecret Secret;
    [FieldOffset(31)] public MemifName Name;
}

/// <summary>memif_msg_add_region_t.</summary>
[StructLayout(LayoutKind.Explicit, Pack = 1, Size = 10)]
internal struct MemifAddRegion
{
    [FieldOffset(0)] public ushort Index;
    [FieldOffset(2)] public ulong Size;
}

/// <summary>memif_msg_add_ring_t.</summary>
[StructLayout(LayoutKind.Explicit, Pack = 1, Size = 13)]
internal struct MemifAddRing
{
    [FieldOffset(0)] public ushort Flags;
    [FieldOffset(2)] public ushort Index;
    [FieldOffset(4)] public ushort Region;
    [FieldOffset(6)] public uint Offset;
    [FieldOffset(10)] public byte Log2RingSize;
    [FieldOffset(11)] public ushort PrivateHeaderSize;
}

/// <summary>memif_msg_disconnect_t.</summary>
[StructLayout(LayoutKind.Explicit, Pack = 1, Size = 100)]
internal struct MemifDisconnect
{
    [FieldOffset(0)] public uint Code;
    [FieldOffset(4)] public MemifReason Reason;
}

/// <summary>Text of 32 bytes that ends with a zero byte.</summary>
[InlineArray(32)]
internal struct MemifName
{
    private byte _first;
}

/// <summary>Text of 24 bytes that ends with a zero byte.</summary>
[InlineArray(MemifNumbers.SecretLength)]
internal struct MemifSecret
{
    private byte _first;
}

/// <summary>Text of 96 bytes that ends with a zero byte.</summary>
[InlineArray(96)]
internal struct MemifReason
{
    private byte _first;
}
