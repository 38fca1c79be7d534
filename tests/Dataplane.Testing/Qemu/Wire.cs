using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Dataplane.Linux;

namespace Dataplane.Testing.Qemu;

/// <summary>
/// The far end of a NIC's cable: QEMU's <c>-netdev stream</c>, which puts the length in front of each frame, as 4 bytes,
/// big-endian. Frames have no FCS. Some megabytes wait on the way when the NIC has no buffers; nothing is lost then. One thread
/// at a time; root, because such a socket buffer is more than others may have.
/// </summary>
public sealed class Wire : IWire, IDisposable
{
    /// <summary>How long a frame that must come may take on a busy machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private const int SendBuffer = 16 << 20;
    private const int Header = sizeof(int);

    private readonly Socket _socket;
    private readonly byte[] _sending = new byte[Header + ushort.MaxValue];
    private readonly byte[] _received = new byte[1 << 18];
    private int _start;
    private int _end;

    /// <param name="socket">Owned by this object.</param>
    public Wire(Socket socket)
    {
        socket.SendTimeout = (int)Patience.TotalMilliseconds;
        socket.SetRawSocketOption(SocketNumbers.SOL_SOCKET, SocketNumbers.SO_SNDBUFFORCE, BitConverter.GetBytes(SendBuffer));
        _socket = socket;
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
    public byte[]? Receive(TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        byte[]? frame;
        while ((frame = Take()) is null)
        {
            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            if (!_socket.Poll(left > TimeSpan.Zero ? left : TimeSpan.Zero, SelectMode.SelectRead))
                return null;
            if (_start > 0)
                _received.AsSpan(_start, _end - _start).CopyTo(_received);
            (_start, _end) = (0, _end - _start);
            int read = _socket.Receive(_received.AsSpan(_end));
            if (read == 0)
                return null;
            _end += read;
        }

        return frame;
    }

    /// <inheritdoc cref="IWire.Receive()"/>
    public byte[] Receive() => Receive(Patience) ?? throw new TimeoutException("The NIC did not send a frame");

    /// <summary>Takes a frame that is here already; null if there is none.</summary>
    public byte[]? TryReceive() => Receive(TimeSpan.Zero);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private byte[]? Take()
    {
        if (_end - _start < Header)
            return null;
        int length = BinaryPrimitives.ReadInt32BigEndian(_received.AsSpan(_start));
        if (_end - _start < Header + length)
            return null;
        byte[] frame = _received.AsSpan(_start + Header, length).ToArray();
        _start += Header + length;
        return frame;
    }
}
