using System.Runtime.InteropServices;
using Dataplane.Vdev.Peers;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.VhostUser;

/// <summary>What <see cref="VhostUserChannel.TryReceive"/> found.</summary>
internal enum VhostUserArrival
{
    /// <summary>No message, or a part of one.</summary>
    Nothing,

    /// <summary>A message.</summary>
    Message,

    /// <summary>The peer has closed the connection.</summary>
    Closed,
}

/// <summary>
/// Messages of vhost-user over a connected socket, in either role. A message is put together from as many pieces as the
/// peer sends it in; it is valid until the next is received. One thread.
/// </summary>
internal sealed unsafe class VhostUserChannel : IDisposable
{
    /// <summary>Longest payload; that of <see cref="VhostUserMemory"/> is the longest that we know.</summary>
    private const int MaxPayload = 1024;

    private readonly byte[] _buffer = new byte[VhostUserHeader.Length + MaxPayload];
    private int _filled;

    /// <summary>Takes a connection over.</summary>
    public VhostUserChannel(PeerSocket socket) => Socket = socket;

    /// <summary>The connection; owned by this object.</summary>
    public PeerSocket Socket { get; }

    /// <summary>The header of the message.</summary>
    public VhostUserHeader Header => MemoryMarshal.Read<VhostUserHeader>(_buffer);

    /// <summary>What follows it.</summary>
    public ReadOnlySpan<byte> Payload => _buffer.AsSpan(VhostUserHeader.Length, (int)Header.PayloadLength);

    /// <summary>The files that came with the message; those that nobody takes are closed when the next is received.</summary>
    public ReceivedDescriptors Descriptors { get; } = new(VhostUserMemory.MaxRegions);

    /// <summary>Receives a message, or a further piece of one. To be called again until there is nothing.</summary>
    /// <exception cref="PeerViolationException">What came is no message.</exception>
    public VhostUserArrival TryReceive()
    {
        if (IsComplete)
        {
            _filled = 0;
            Descriptors.Clear();
        }

        while (!IsComplete)
        {
            // Never more than the message has, so that the files of the next stay with it.
            int wanted = _filled < VhostUserHeader.Length
                ? VhostUserHeader.Length - _filled
                : VhostUserHeader.Length + (int)Header.PayloadLength - _filled;
            if (!Socket.TryReceive(_buffer.AsSpan(_filled, wanted), Descriptors, out int length))
                return VhostUserArrival.Nothing;
            if (length == 0)
                return VhostUserArrival.Closed;
            _filled += length;
            if (_filled == VhostUserHeader.Length)
                CheckHeader();
        }

        return VhostUserArrival.Message;
    }

    /// <summary>The payload as a struct.</summary>
    /// <exception cref="PeerViolationException">It is shorter.</exception>
    public T Read<T>()
        where T : unmanaged => Read<T>(sizeof(T));

    /// <summary>The payload as a struct of which the last bytes may be missing; they are zero then.</summary>
    /// <exception cref="PeerViolationException">It is shorter than allowed.</exception>
    public T Read<T>(int atLeast)
        where T : unmanaged
    {
        ReadOnlySpan<byte> payload = Payload;
        if (payload.Length < atLeast)
        {
            throw new PeerViolationException(
                $"sent a {Header.Request} message with {payload.Length} bytes where there must be {atLeast} or more");
        }

        T value = default;
        payload[..Math.Min(payload.Length, sizeof(T))].CopyTo(new Span<byte>(&value, sizeof(T)));
        return value;
    }

    /// <summary>Sends a message.</summary>
    /// <param name="request">Which.</param>
    /// <param name="flags"><see cref="VhostUserHeader.Reply"/>, <see cref="VhostUserHeader.NeedReply"/> or none.</param>
    /// <param name="payload">What follows the header.</param>
    /// <param name="descriptors">Files that go with it; they stay the caller's.</param>
    /// <returns>False if the peer has closed the connection.</returns>
    /// <exception cref="PeerViolationException">The peer does not read.</exception>
    public bool TrySend(
        VhostUserRequest request, uint flags, ReadOnlySpan<byte> payload, params ReadOnlySpan<SafeFileHandle> descriptors)
    {
        Span<byte> message = stackalloc byte[VhostUserHeader.Length + MaxPayload];
        MemoryMarshal.Write(message, new VhostUserHeader
        {
            Request = request,
            Flags = VhostUserHeader.Version | flags,
            PayloadLength = (uint)payload.Length,
        });
        payload.CopyTo(message[VhostUserHeader.Length..]);
        return Socket.TrySend(message[..(VhostUserHeader.Length + payload.Length)], descriptors);
    }

    /// <summary>Sends a message with a struct.</summary>
    /// <inheritdoc cref="TrySend(VhostUserRequest, uint, ReadOnlySpan{byte}, ReadOnlySpan{SafeFileHandle})"/>
    public bool TrySend<T>(VhostUserRequest request, uint flags, T payload, params ReadOnlySpan<SafeFileHandle> descriptors)
        where T : unmanaged =>
        TrySend(request, flags, new ReadOnlySpan<byte>(&payload, sizeof(T)), descriptors);

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        Socket.Dispose();
        Descriptors.Dispose();
    }

    private bool IsComplete =>
        _filled >= VhostUserHeader.Length && _filled == VhostUserHeader.Length + (int)Header.PayloadLength;

    private void CheckHeader()
    {
        VhostUserHeader header = Header;
        if ((header.Flags & VhostUserHeader.VersionMask) != VhostUserHeader.Version)
            throw new PeerViolationException($"sent a message with the flags 0x{header.Flags:x}, which is not version 1 of vhost-user");
        if (header.PayloadLength > MaxPayload)
            throw new PeerViolationException($"sent a message of {header.PayloadLength} bytes where the longest has {MaxPayload}");
    }
}
