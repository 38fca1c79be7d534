using System.Runtime.InteropServices;

namespace Dataplane.Vdev.VhostUser;

/// <summary>What goes before a part of the device's configuration.</summary>
[StructLayout(LayoutKind.Explicit, Size = Length)]
internal struct VhostUserConfig
{
    public const int Length = 12;

    /// <summary>Longest part (VHOST_USER_MAX_CONFIG_SIZE).</summary>
    public const int MaxPart = 256;

    [FieldOffset(0)] public uint Offset;

    /// <summary>Bytes that follow.</summary>
    [FieldOffset(4)] public uint PartLength;

    [FieldOffset(8)] public uint Flags;
}
