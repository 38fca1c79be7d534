using System.Net;
using System.Net.Sockets;
using Dataplane.Linux;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Peers;

public class PeerSocketTests
{
    [Theory]
    [InlineData(PeerSocketKind.Stream)]
    [InlineData(PeerSocketKind.Messages)]
    internal void A_message_arrives_with_its_descriptors_in_order(PeerSocketKind kind)
    {
        using var pair = new SocketPair(kind);
        using var first = new SharedFile(1);
        using var second = new SharedFile(2);
        using var descriptors = new ReceivedDescriptors(8);
        byte[] buffer = new byte[100];

        Assert.False(pair.Server.TryReceive(buffer, descriptors, out _));
        Assert.True(pair.Client.TrySend([1, 2, 3], first.Handle, second.Handle));
        Assert.True(pair.Server.TryReceive(buffer, descriptors, out int length));

        Assert.Equal([1, 2, 3], buffer[..length]);
        Assert.Equal(2, descriptors.Count);
        Assert.Equal((2, 2), (first.OpenCount, second.OpenCount));
        using (SafeFileHandle taken = descriptors.Take(1))
        {
            Assert.True(Libc.TryGetStatus(taken, out FileStatus status));
            Assert.Equal(2u, status.Size);
            Assert.Throws<PeerViolationException>(() => descriptors.Take(1));
            Assert.Throws<PeerViolationException>(() => descriptors.Take(2));
            descriptors.Clear();
            Assert.Equal((1, 2), (first.OpenCount, second.OpenCount));
        }

        Assert.Equal((1, 1), (first.OpenCount, second.OpenCount));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Descriptors_beyond_the_bound_are_a_violation_and_all_are_closed(int capacity)
    {
        using var pair = new SocketPair(PeerSocketKind.Messages);
        using var file = new SharedFile(1);
        using var descriptors = new ReceivedDescriptors(capacity);
        SafeFileHandle[] many = [.. Enumerable.Repeat(file.Handle, capacity + 1)];

        Assert.True(pair.Client.TrySend([1], many));
        Exception failure = Assert.Throws<PeerViolationException>(() => pair.Server.TryReceive(new byte[10], descriptors, out _));
        Assert.Contains($"more than {capacity} file descriptors", failure.Message);
        Assert.Equal((1, 0), (file.OpenCount, descriptors.Count));

        Assert.True(pair.Client.TrySend([1], many.AsSpan(1)));
        Assert.True(pair.Server.TryReceive(new byte[10], descriptors, out _));
        Assert.Equal((1 + capacity, capacity), (file.OpenCount, descriptors.Count));
    }

    [Fact]
    public void Descriptors_of_the_parts_of_a_stream_add_up_to_the_bound()
    {
        using var pair = new SocketPair(PeerSocketKind.Stream);
        using var file = new SharedFile(1);
        using var descriptors = new ReceivedDescriptors(2);
        for (int i = 0; i < 3; i++)
            Assert.True(pair.Client.TrySend([1], file.Handle));

        Assert.True(pair.Server.TryReceive(new byte[10], descriptors, out int length));
        Assert.Equal((1, 1), (length, descriptors.Count));
        Assert.True(pair.Server.TryReceive(new byte[10], descriptors, out _));
        Assert.Throws<PeerViolationException>(() => pair.Server.TryReceive(new byte[10], descriptors, out _));
        Assert.Equal(1, file.OpenCount);
    }

    [Fact]
    public void A_socket_is_a_violation_and_closing_it_does_not_wait_although_its_peer_reads_nothing()
    {
        using var pair = new SocketPair(PeerSocketKind.Messages);
        using var descriptors = new ReceivedDescriptors(8);
        using var file = new SharedFile(1);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using (var lingering = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        {
            lingering.Connect(listener.LocalEndPoint!);
            lingering.Blocking = false;
            while (lingering.Send(new byte[1 << 16], SocketFlags.None, out SocketError error) != 0 && error == SocketError.Success)
            {
                // Until both buffers are full.
            }

            lingering.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Linger, new LingerOption(true, 600));
            using var handle = new SafeFileHandle(lingering.SafeHandle.DangerousGetHandle(), ownsHandle: false);
            Assert.True(pair.Client.TrySend([1], file.Handle, handle));

            // Ours is the last copy then. Without a shutdown, which Dispose would do.
            Assert.Equal(0, Libc.Dup3((int)file.Handle.DangerousGetHandle(), (int)handle.DangerousGetHandle(), Libc.O_CLOEXEC) < 0 ? 1 : 0);
        }

        var receiving = new Thread(() =>
        {
            Exception failure = Assert.Throws<PeerViolationException>(() => pair.Server.TryReceive(new byte[10], descriptors, out _));
            Assert.Equal("sent a socket with a message", failure.Message);
        })
        { IsBackground = true };
        receiving.Start();
        Assert.True(receiving.Join(TimeSpan.FromSeconds(120)));
        Assert.Equal((1, 0), (file.OpenCount, descriptors.Count));
        Assert.True(pair.Client.TrySend([1], file.Handle));
        Assert.True(pair.Server.TryReceive(new byte[10], descriptors, out _));
    }

    [Fact]
    public void A_message_longer_than_the_buffer_is_a_violation()
    {
        using var pair = new SocketPair(PeerSocketKind.Messages);
        using var descriptors = new ReceivedDescriptors(0);
        Assert.True(pair.Client.TrySend(new byte[11]));
        Assert.Throws<PeerViolationException>(() => pair.Server.TryReceive(new byte[10], descriptors, out _));
    }

    [Theory]
    [InlineData(PeerSocketKind.Stream)]
    [InlineData(PeerSocketKind.Messages)]
    internal void A_closed_connection_reads_as_no_bytes_and_takes_none(PeerSocketKind kind)
    {
        using var pair = new SocketPair(kind);
        using var descriptors = new ReceivedDescriptors(0);
        Assert.True(pair.Server.TrySend([1]));
        pair.Client.Dispose();
        // The first may be the error that the peer has not read everything.
        Assert.True(pair.Server.TryReceive(new byte[10], descriptors, out int length));
        Assert.Equal(0, length);
        Assert.False(pair.Server.TrySend([1]));
    }

    [Theory]
    [InlineData(PeerSocketKind.Stream)]
    [InlineData(PeerSocketKind.Messages)]
    internal void A_peer_that_does_not_read_is_in_breach(PeerSocketKind kind)
    {
        using var pair = new SocketPair(kind);
        Exception failure = Assert.Throws<PeerViolationException>(() =>
        {
            while (pair.Client.TrySend(new byte[1000]))
            {
            }
        });
        Assert.Equal("does not read what it is sent", failure.Message);
    }

    [Fact]
    public void The_peer_is_named_by_its_process()
    {
        using var pair = new SocketPair(PeerSocketKind.Stream);
        string name = File.ReadAllText("/proc/self/comm").Trim();
        Assert.Equal($"{name} (pid {Environment.ProcessId})", pair.Server.Peer);
        Assert.Equal(pair.Server.Peer, pair.Client.Peer);
    }
}
