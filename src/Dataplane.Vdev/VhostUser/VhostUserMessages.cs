using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Dataplane.Vdev.VhostUser;

/// <summary>What every message starts with (vhost-user, "Header"). All numbers are in the byte order of the machine.</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct VhostUserHeader
{
    public const int Length = 12;

    /// <summary>The version, in the lower two bits of <see cref="Flags"/>.</summary>
    public const uint Version = 1, VersionMask = 3;

    /// <summary>A flag: an answer of the back end.</summary>
    public const uint Reply = 1 << 2;

    /// <summary>A flag: with <see cref="VhostUserProtocolFeatures.ReplyAck"/>, an answer is asked for.</summary>
    public const uint NeedReply = 1 << 3;

    [FieldOffset(0)] public VhostUserRequest Request;
    [FieldOffset(4)] public uint Flags;

    /// <summary>Bytes that follow.</summary>
    [FieldOffset(8)] public uint PayloadLength;
}

/// <summary>A ring and a number.</summary>
[StructLayout(LayoutKind.Explicit, Size = 8)]
internal struct VhostUserVringState
{
    [FieldOffset(0)] public uint Index;
    [FieldOffset(4)] public uint Number;
}

/// <summary>Where the areas of a ring are, in addresses of the front end's process.</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct VhostUserVringAddress
{
    [FieldOffset(0)] public uint Index;
    [FieldOffset(4)] public uint Flags;

    /// <summary>Descriptor area.</summary>
    [FieldOffset(8)] public ulong Descriptor;

    /// <summary>Device area: the used ring, or the device's event suppression.</summary>
    [FieldOffset(16)] public ulong Used;

    /// <summary>Driver area: the available ring, or the driver's event suppression.</summary>
    [FieldOffset(24)] public ulong Available;

    /// <summary>Of live migration.</summary>
    [FieldOffset(32)] public ulong Log;
}

/// <summary>The u64 that goes with a ring's eventfd.</summary>
internal static class VhostUserVringFile
{
    /// <summary>Bits of the ring's index.</summary>
    public const ulong IndexMask = 0xFF;

    /// <summary>A flag: there is no eventfd, poll.</summary>
    public const ulong NoFile = 1 << 8;
}

/// <summary>A piece of the front end's memory.</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct VhostUserMemoryRegion
{
    public const int Length = 32;

    /// <summary>Its address in descriptors.</summary>
    [FieldOffset(0)] public ulong GuestAddress;

    /// <summary>Bytes.</summary>
    [FieldOffset(8)] public ulong Size;

    /// <summary>Its address in the front end's process.</summary>
    [FieldOffset(16)] public ulong UserAddress;

    /// <summary>Where it starts in its file.</summary>
    [FieldOffset(24)] public ulong MmapOffset;
}

/// <summary>All of the front end's memory.</summary>
[StructLayout(LayoutKind.Explicit, Size = HeaderLength + (MaxRegions * VhostUserMemoryRegion.Length))]
internal struct VhostUserMemory
{
    /// <summary>Most regions of one message (VHOST_MEMORY_BASELINE_NREGIONS).</summary>
    public const int MaxRegions = 8;

    /// <summary>Bytes before the regions: a message is as long as the regions it has.</summary>
    public const int HeaderLength = 8;

    [FieldOffset(0)] public uint RegionCount;
    [FieldOffset(4)] private readonly uint _padding;
    [FieldOffset(HeaderLength)] public Array8 Regions;

    [InlineArray(MaxRegions)]
    internal struct Array8
    {
        private VhostUserMemoryRegion _first;
    }
}

/// <summary>A region that comes or goes (<see cref="VhostUserProtocolFeatures.ConfigureMemSlots"/>).</summary>
[StructLayout(LayoutKind.Explicit, Size = 40)]
internal struct VhostUserSingleMemoryRegion
{
    [FieldOffset(0)] private readonly ulong _padding;
    [FieldOffset(8)] public VhostUserMemoryRegion Region;
}

/// <summary>Where buffers in flight are written down.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal struct VhostUserInflight
{
    /// <summary>Bytes without the padding, which not every front end sends.</summary>
    public const int LeastLength = 20;

    [FieldOffset(0)] public ulong MmapSize;
    [FieldOffset(8)] public ulong MmapOffset;
    [FieldOffset(16)] public ushort QueueCount;
    [FieldOffset(18)] public ushort QueueSize;
    [FieldOffset(20)] private readonly uint _padding;
}
