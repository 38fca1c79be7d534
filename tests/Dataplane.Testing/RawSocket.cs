using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Testing;

/// <summary>
/// A plain packet socket on an interface, one system call per frame: what stands at the other end of a port under test.
/// It sees what arrives at the interface, not what is sent through it.
/// </summary>
public sealed unsafe class RawSocket : IDisposable
{
    private readonly SafeFileHandle _socket;

    /// <summary>Opens a socket; its buffer holds some thousand frames.</summary>
    /// <param name="network">Where the interface is.</param>
    /// <param name="iface">The interface.</param>
    public RawSocket(NetworkNamespace network, string iface) => _socket = network.Invoke(() => Open(iface));

    /// <summary>Sends a frame.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        if (!TrySend(frame))
            throw new InvalidOperationException($"A frame of {frame.Length} bytes was not sent: {Errno.DescribeLast()}");
    }

    /// <summary>Sends a frame; false if the kernel refused it.</summary>
    public bool TrySend(ReadOnlySpan<byte> frame)
    {
        fixed (byte* data = frame)
            return Libc.SendTo((int)_socket.DangerousGetHandle(), data, (nuint)frame.Length, 0, null, 0) == frame.Length;
    }

    /// <summary>Takes the next frame, with its VLAN tag if it has one; null if none comes in time.</summary>
    public byte[]? Receive(int timeoutMilliseconds = 2000)
    {
        var wait = new PollDescriptor { Fd = (int)_socket.DangerousGetHandle(), Events = Libc.POLLIN };
        if (Libc.Poll(&wait, 1, timeoutMilliseconds) != 1)
            return null;
        byte[] buffer = new byte[70000];
        Ancillary ancillary;
        fixed (byte* data = buffer)
        {
            var vector = new IoVector { Base = data, Length = (nuint)buffer.Length };
            var message = new MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = &ancillary,
                ControlLength = (nuint)sizeof(Ancillary),
            };
            nint length = Libc.RecvMsg(wait.Fd, &message, 0);
            if (length < 0)
                return null;
            byte[] frame = buffer[..(int)length];
            bool tagged = (ancillary.Status & PacketSocket.TP_STATUS_VLAN_VALID) != 0;
            return tagged ? TestFrame.Tag(frame, ancillary.VlanTci, ancillary.VlanProtocol) : frame;
        }
    }

    /// <summary>Throws away what has arrived, without allocating anything; returns how many frames that were.</summary>
    public int Discard()
    {
        byte nothing;
        int count = 0;
        while (Libc.Recv((int)_socket.DangerousGetHandle(), &nothing, 1, SocketNumbers.MSG_DONTWAIT) >= 0)
            count++;
        return count;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static SafeFileHandle Open(string iface)
    {
        SafeFileHandle socket = Libc.Socket(SocketNumbers.AF_PACKET, SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC, 0);
        var request = default(Ifreq);
        System.Text.Encoding.UTF8.GetBytes(iface, new Span<byte>(request.Name, NetworkDevice.IFNAMSIZ - 1));
        bool found = !socket.IsInvalid && Libc.Ioctl(socket, NetworkDevice.SIOCGIFINDEX, &request) == 0;
        var address = new SockaddrLl
        {
            SllFamily = SocketNumbers.AF_PACKET,
            SllProtocol = BinaryPrimitives.ReverseEndianness((ushort)PacketSocket.ETH_P_ALL),
            SllIfindex = request.Value.Number,
        };
        if (found
            && Libc.SetSockOpt(socket, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_IGNORE_OUTGOING, 1) == 0
            && Libc.SetSockOpt(socket, SocketNumbers.SOL_SOCKET, SocketNumbers.SO_RCVBUFFORCE, 32 << 20) == 0
            && Libc.SetSockOpt(socket, SocketNumbers.SOL_PACKET, PacketSocket.PACKET_AUXDATA, 1) == 0
            && Libc.Bind(socket, &address, (uint)sizeof(SockaddrLl)) == 0)
            return socket;
        string problem = Errno.DescribeLast();
        socket.Dispose();
        throw new InvalidOperationException($"No packet socket on {iface}: {problem}");
    }

    /// <summary>The control message of PACKET_AUXDATA: struct cmsghdr (16 bytes) and struct tpacket_auxdata.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    private struct Ancillary
    {
        [FieldOffset(16)] public uint Status;
        [FieldOffset(32)] public ushort VlanTci;
        [FieldOffset(34)] public ushort VlanProtocol;
    }
}
