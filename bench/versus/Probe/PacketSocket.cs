using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Versus.Frames;

namespace Versus.Probe;

/// <summary>
/// A raw socket on a network interface (packet(7)) that receives <see cref="TestFrame"/>s only. It is polled, never waited
/// for, and neither sending nor receiving allocates.
/// </summary>
internal sealed class PacketSocket : IProbeEnd, IDisposable
{
    private readonly Socket _socket;

    public PacketSocket(string interfaceName)
    {
        // Without a protocol nothing is received until bind names one.
        _socket = new Socket(AddressFamily.Packet, SocketType.Raw, ProtocolType.Unspecified) { Blocking = false };
        _socket.Bind(new InterfaceAddress(interfaceName));
    }

    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        _socket.Send(frame, SocketFlags.None, out SocketError error);
        return Succeeded(error);
    }

    public bool TryReceive(Span<byte> buffer, out int length)
    {
        length = _socket.Receive(buffer, SocketFlags.None, out SocketError error);
        return Succeeded(error) && length > 0;
    }

    public void Dispose() => _socket.Dispose();

    private static bool Succeeded(SocketError error) => error switch
    {
        SocketError.Success => true,
        SocketError.WouldBlock or SocketError.NoBufferSpaceAvailable => false,
        _ => throw new SocketException((int)error),
    };

    /// <summary>struct sockaddr_ll (linux/if_packet.h): family, protocol in network order, index; the rest is for sending by address.</summary>
    private sealed class InterfaceAddress(string name) : EndPoint
    {
        private const int Size = 20;
        private const int ProtocolOffset = 2;
        private const int IndexOffset = 4;

        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            int index = int.Parse(File.ReadAllText($"/sys/class/net/{name}/ifindex"), CultureInfo.InvariantCulture);
            var address = new SocketAddress(AddressFamily.Packet, Size);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[ProtocolOffset..], TestFrame.EtherType);
            BitConverter.TryWriteBytes(address.Buffer.Span[IndexOffset..], index);
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}
