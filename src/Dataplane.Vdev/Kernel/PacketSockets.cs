using System.Buffers.Binary;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>Opening and addressing packet sockets.</summary>
internal static class PacketSockets
{
    /// <summary>A raw packet socket that receives nothing.</summary>
    public static SafeFileHandle Open(string device)
    {
        SafeFileHandle socket = Libc.Socket(
            SocketNumbers.AF_PACKET, SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC, protocol: 0);
        if (!socket.IsInvalid)
            return socket;
        DataplaneException failure = KernelErrors.Failed(device, "open a packet socket", "NET_RAW");
        socket.Dispose();
        throw failure;
    }

    /// <summary>The address of an interface.</summary>
    /// <param name="index">The kernel's number of the interface.</param>
    /// <param name="protocol">What is received; 0 for nothing.</param>
    public static SockaddrLl AddressOf(int index, ushort protocol) => new()
    {
        SllFamily = SocketNumbers.AF_PACKET,
        SllProtocol = BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(protocol) : protocol,
        SllIfindex = index,
    };
}
