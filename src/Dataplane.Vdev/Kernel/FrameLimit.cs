using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Dataplane.Packets;

namespace Dataplane.Vdev.Kernel;

/// <summary>What became of a packet that was sent on its own.</summary>
internal enum SendResult
{
    /// <summary>It is sent.</summary>
    Sent,

    /// <summary>The kernel has no room now, or the interface is down.</summary>
    NotNow,

    /// <summary>It can never be sent.</summary>
    Refused,
}

/// <summary>The longest frame of an interface by its MTU, which the kernel checks on some ways into it alone.</summary>
internal sealed class FrameLimit
{
    /// <summary>Bytes of an Ethernet header without tag.</summary>
    public const int EthernetLength = 14;

    private int _longest;

    /// <summary>The interface's MTU in bytes. Any thread may change it.</summary>
    public int Mtu
    {
        get => Volatile.Read(ref _longest) - EthernetLength;
        set => Volatile.Write(ref _longest, value + EthernetLength);
    }

    /// <summary>Whether a packet has an Ethernet header and is not longer than the interface passes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Allows(Packet packet) =>
        packet.Length >= EthernetLength && (packet.Length <= _longest || AllowsTagged(packet));

    /// <summary>A tag does not count: interfaces have room for one beyond their MTU.</summary>
    private unsafe bool AllowsTagged(Packet packet) =>
        packet.Length <= _longest + VlanTag.Length
        && packet.Mbuf->DataLength >= EthernetLength
        && VlanTag.IsProtocol(BinaryPrimitives.ReadUInt16BigEndian(packet.Data[12..]));
}
