using Dataplane.Linux;
using Dataplane.Packets;
using Dataplane.Vdev.Kernel;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.AfPacket;

/// <summary>
/// The way of frames that are longer than a frame of the transmit ring: one system call each, through a socket without
/// ring that all queues of a port share.
/// </summary>
internal sealed unsafe class LongFrames(SafeFileHandle socket, int index)
{
    private readonly int _fd = (int)socket.DangerousGetHandle();

    /// <summary>Sends a packet. Any thread.</summary>
    public SendResult Send(Packet packet)
    {
        IoVector* pieces = stackalloc IoVector[PacketPieces.Max];
        SockaddrLl address = PacketSockets.AddressOf(index, protocol: 0);
        var message = new MessageHeader
        {
            Name = &address,
            NameLength = (uint)sizeof(SockaddrLl),
            Vectors = pieces,
            VectorCount = (nuint)PacketPieces.List(packet, pieces),
        };
        if (message.VectorCount == 0)
            return SendResult.Refused;
        if (Libc.SendMsg(_fd, &message, SocketNumbers.MSG_DONTWAIT) >= 0)
            return SendResult.Sent;
        // EFAULT: a peer has taken its memory away, in which a packet lies that we have from it.
        return Errno.Last is Errno.EMSGSIZE or Errno.EINVAL or Errno.EFAULT ? SendResult.Refused : SendResult.NotNow;
    }
}
