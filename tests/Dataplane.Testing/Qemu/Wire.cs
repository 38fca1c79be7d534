using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Dataplane.Linux;

namespace Dataplane.Testing.Qemu;

/// <summary>
/// QEMU's <c>-netdev stream</c>, which puts the length in front of each frame, as 4 bytes, big-endian. Some megabytes wait on
/// the way when the NIC has no buffers; nothing is lost then. What the NIC sends is taken at once, because QEMU 7.2 stands
/// still while its socket is full. Root, because such a socket buffer is more than others may have.
/// </summary>
public sealed class Wire : IWire, IDisposable
{
    /// <summary>How long a frame that must come may take on a busy machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int SendBuffer = 16 << 20;
    private const int Header = sizeof(int);

    private readonly Socket _socket;
    private readonly Thread _reader;
    private readonly BlockingCollection<byte[]> _received = [];
    private readonly byte[] _sending = new byte[Header + ushort.MaxValue];

    /// <param name="socket">Owned by this object.</param>
    public Wire(Socket socket)
    {
        socket.SendTimeout = (int)Patience.TotalMilliseconds;
        socket.SetRawSocketOption(SocketNumbers.SOL_SOCKET, SocketNumbers.SO_SNDBUFFORCE, BitConverter.GetBytes(SendBuffer));
        _socket = socket;
        _reader = new Thread(Read) { IsBackground = true, Name = "wire" };
        _reader.Start();
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> frame) => Send(frame, 1);

    /// <summary>Puts a frame onto the wire several times at once.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="count">How often; all of them are no more than 65535 bytes, with 4 for each.</param>
    public void Send(ReadOnlySpan<byte> frame, int count)
    {
        int length = 0;
        for (int i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(_sending.AsSpan(length), frame.Length);
            frame.CopyTo(_sending.AsSpan(length + Header));
            length += Header + frame.Length;
        }

        for (int sent = 0; sent < length;)
            sent += _socket.Send(_sending.AsSpan(sent, length - sent));
    }

    /// <inheritdoc/>
    public byte[]? Receive(TimeSpan timeout) => _received.TryTake(out byte[]? frame, timeout) ? frame : null;

    /// <inheritdoc/>
    public byte[] Receive() => Receive(Patience) ?? throw new TimeoutException("The NIC did not send a frame");

    /// <summary>Takes a frame that is here already; null if there is none.</summary>
    public byte[]? TryReceive() => Receive(TimeSpan.Zero);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The reader gets the end of the stream.
        if (_socket.Connected)
            _socket.Shutdown(SocketShutdown.Both);
        _reader.Join();
        _socket.Dispose();
        _received.Dispose();
    }

    private void Read()
    {
        byte[] buffer = new byte[1 << 18];
        int start = 0, end = 0;
        while (TryRead(buffer.AsSpan(end)) is > 0 and int read)
        {
            end += read;
            while (end - start >= Header
                && BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(start)) is var length
                && end - start >= Header + length)
            {
                _received.Add(buffer.AsSpan(start + Header, length).ToArray());
                start += Header + length;
            }

            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
    }

    /// <summary>Bytes that were read; 0 when QEMU is gone.</summary>
    private int TryRead(Span<byte> buffer)
    {
        try
        {
            return _socket.Receive(buffer);
        }
        catch (SocketException)
        {
            return 0;
        }
    }
}
