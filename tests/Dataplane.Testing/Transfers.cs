using System.Net;
using System.Net.Sockets;

namespace Dataplane.Testing;

/// <summary>Real traffic between two namespaces, with everything that their kernels do to it.</summary>
public static class Transfers
{
    private const int Patience = 20_000;

    /// <summary>Sends bytes by TCP, which arrive in full and unchanged or an assertion fails.</summary>
    public static void Tcp(NetworkNamespace from, NetworkNamespace to, IPAddress address, int bytes)
    {
        byte[] data = new byte[bytes];
        new Random(bytes).NextBytes(data);
        using TcpListener listener = to.Invoke(() => new TcpListener(address, 0));
        listener.Start();
        Task<byte[]> received = Task.Run(() => ReadAll(listener));
        using Socket client = from.Invoke(() => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp));
        client.SendTimeout = Patience;
        client.Connect(listener.LocalEndpoint);
        for (int sent = 0; sent < bytes;)
            sent += client.Send(data.AsSpan(sent));
        client.Shutdown(SocketShutdown.Send);
        Assert.True(received.Wait(Patience), "the transfer did not end");
        Assert.True(data.AsSpan().SequenceEqual(received.Result), $"{received.Result.Length} of {bytes} bytes arrived");
    }

    /// <summary>Sends datagrams by UDP, of which the kernel makes an uncut frame (UDP_SEGMENT of udp(7)).</summary>
    public static void SegmentedUdp(NetworkNamespace from, NetworkNamespace to, IPAddress address, int bytes, short segment)
    {
        const int SolUdp = 17;
        const int UdpSegment = 103;
        byte[] data = new byte[bytes];
        new Random(bytes).NextBytes(data);
        using Socket server = to.Invoke(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        server.Bind(new IPEndPoint(address, 0));
        server.ReceiveTimeout = Patience;
        using Socket client = from.Invoke(() => new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp));
        client.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes((int)segment));
        Assert.Equal(bytes, client.SendTo(data, server.LocalEndPoint!));
        byte[] buffer = new byte[bytes];
        foreach (byte[] expected in data.Chunk(segment))
        {
            int length = server.Receive(buffer);
            Assert.Equal(expected, buffer[..length]);
        }
    }

    /// <summary>Sends three echo requests, which are answered or an assertion fails.</summary>
    public static void Ping(NetworkNamespace from, string address, int payload) =>
        from.Run("ping", "-c", "3", "-i", "0.05", "-W", "5", "-s", $"{payload}", address);

    private static byte[] ReadAll(TcpListener listener)
    {
        using Socket socket = listener.AcceptSocket();
        socket.ReceiveTimeout = Patience;
        using var stream = new NetworkStream(socket);
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
