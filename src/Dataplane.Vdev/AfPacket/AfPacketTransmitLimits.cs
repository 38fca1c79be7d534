using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Dataplane.Linux;
using Dataplane.Packets;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfPacket;

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

/// <summary>
/// What the transmit queues of a port share: the interface's MTU, which the kernel does not check for frames with a
/// virtio header, and the way of frames that are longer than those of the rings.
/// </summary>
internal sealed unsafe class AfPacketTransmitLimits(SafeFileHandle socket, int index)
{
    private readonly int _fd = (int)socket.DangerousGetHandle();
    private int _longest;

    /// <summary>The interface's MTU in bytes. Any thread may change it.</summary>
    public int Mtu
    {
        get => Volatile.Read(ref _longest) - AfPacketLayout.EthernetLength;
        set => Volatile.Write(ref _longest, value + AfPacketLayout.EthernetLength);
    }

    /// <summary>Whether a packet has an Ethernet header and is not longer than the interface passes on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Allow(Packet packet) =>
        packet.Length >= AfPacketLayout.EthernetLength && (packet.Length <= _longest || AllowTagged(packet));

    /// <summary>Sends one packet by a system call of its own.</summary>
    public SendResult SendLong(Packet packet)
    {
        const int MaxPieces = 64;
        if (packet.SegmentCount > MaxPieces)
            return SendResult.Refused;
        IoVector* pieces = stackalloc IoVector[MaxPieces];
        int count = 0;
        for (Mbuf* mbuf = packet.Mbuf; mbuf != null; mbuf = mbuf->Next)
            pieces[count++] = new IoVector { Base = mbuf->Buffer + mbuf->DataOffset, Length = mbuf->DataLength };
        SockaddrLl address = AfPacketSocket.AddressOf(index, protocol: 0);
        var message = new MessageHeader
        {
            Name = &address,
            NameLength = (uint)sizeof(SockaddrLl),
            Vectors = pieces,
            VectorCount = (nuint)count,
        };
        if (Libc.SendMsg(_fd, &message, SocketNumbers.MSG_DONTWAIT) >= 0)
            return SendResult.Sent;
        return Errno.Last is Errno.EMSGSIZE or Errno.EINVAL ? SendResult.Refused : SendResult.NotNow;
    }

    /// <summary>A tag does not count: interfaces have room for one beyond their MTU, as the kernel's own VLANs need it.</summary>
    private bool AllowTagged(Packet packet) =>
        packet.Length <= _longest + 4
        && packet.Mbuf->DataLength >= AfPacketLayout.EthernetLength
        && BinaryPrimitives.ReadUInt16BigEndian(packet.Data[12..]) is PacketSocket.ETH_P_8021Q or PacketSocket.ETH_P_8021AD;
}
