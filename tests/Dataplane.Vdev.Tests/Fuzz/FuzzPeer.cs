using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Tests.Fuzz;

/// <summary>An end of a connection that sends whatever it is told and takes whatever comes.</summary>
internal sealed class FuzzPeer(PeerSocket socket) : IDisposable
{
    private readonly ReceivedDescriptors _descriptors = new(ReceivedDescriptors.MaxCapacity);
    private readonly byte[] _buffer = new byte[4096];

    public bool IsClosed { get; private set; }

    /// <summary>What came with the last message.</summary>
    public ReceivedDescriptors Descriptors => _descriptors;

    /// <summary>Connects, if whoever listens has room.</summary>
    public static FuzzPeer? TryConnect(string path, PeerSocketKind kind) =>
        PeerSocket.TryConnect(PeerAddress.File("fuzz", path), kind, out _) is { } socket ? new FuzzPeer(socket) : null;

    public void Send(ReadOnlySpan<byte> message, params ReadOnlySpan<SafeFileHandle> files)
    {
        try
        {
            IsClosed |= !socket.TrySend(message, files[..Math.Min(files.Length, ReceivedDescriptors.MaxCapacity)]);
        }
        catch (PeerViolationException)
        {
            // The other end does not read this fast.
        }
    }

    /// <summary>What is there, or comes within some milliseconds.</summary>
    public ReadOnlySpan<byte> Receive(int most, int milliseconds)
    {
        for (long end = Environment.TickCount64 + milliseconds; !IsClosed; Thread.Sleep(1))
        {
            _descriptors.Clear();
            try
            {
                if (socket.TryReceive(_buffer.AsSpan(0, most), _descriptors, out int length))
                {
                    IsClosed = length == 0;
                    return _buffer.AsSpan(0, length);
                }
            }
            catch (PeerViolationException)
            {
                continue;
            }

            if (Environment.TickCount64 >= end)
                break;
        }

        return [];
    }

    public void Dispose()
    {
        socket.Dispose();
        _descriptors.Dispose();
    }
}
