using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vdev.Kernel;

/// <summary>A message to rtnetlink, written piece by piece, and its answer.</summary>
internal sealed unsafe class NetlinkRequest
{
    private readonly byte[] _message = new byte[1024];
    private int _length = sizeof(NetlinkHeader);

    /// <summary>Starts a message.</summary>
    /// <param name="type">RTM_NEWQDISC and its like.</param>
    /// <param name="flags">Beyond those of every request.</param>
    public NetlinkRequest(ushort type, ushort flags) => MemoryMarshal.Write(_message, new NetlinkHeader
    {
        Type = type,
        Flags = (ushort)(Netlink.NLM_F_REQUEST | Netlink.NLM_F_ACK | flags),
    });

    /// <summary>Appends a struct.</summary>
    public NetlinkRequest Append<T>(in T value)
        where T : unmanaged
    {
        MemoryMarshal.Write(_message.AsSpan(_length), in value);
        _length += (sizeof(T) + 3) & ~3;
        return this;
    }

    /// <summary>Appends an attribute with text.</summary>
    public NetlinkRequest AppendText(ushort type, string text)
    {
        int start = Begin(type);
        _length += Encoding.UTF8.GetBytes(text, _message.AsSpan(_length)) + 1;
        return End(start);
    }

    /// <summary>Appends an attribute that holds what the action appends.</summary>
    public NetlinkRequest AppendNested(ushort type, Action content)
    {
        int start = Begin(type);
        content();
        return End(start);
    }

    /// <summary>Sends the message and waits for the kernel's answer: 0, or an error number.</summary>
    public int Execute(SafeFileHandle socket)
    {
        byte[] answer = new byte[4096];
        Exchange(socket, answer);
        return -MemoryMarshal.Read<NetlinkError>(answer.AsSpan(sizeof(NetlinkHeader))).Error;
    }

    /// <summary>Sends a question and reads a value from an attribute of the answer; false if there is none.</summary>
    /// <typeparam name="TMessage">What stands in front of the attributes.</typeparam>
    /// <typeparam name="T">What is read.</typeparam>
    /// <param name="socket">A netlink socket.</param>
    /// <param name="attribute">The attribute's type.</param>
    /// <param name="offset">Where the value stands in the attribute.</param>
    /// <param name="value">What was read.</param>
    public bool TryQuery<TMessage, T>(SafeFileHandle socket, ushort attribute, int offset, out T value)
        where TMessage : unmanaged
        where T : unmanaged
    {
        byte[] buffer = new byte[32 << 10];
        int length = Exchange(socket, buffer);
        value = default;
        if (MemoryMarshal.Read<NetlinkHeader>(buffer).Type == Netlink.NLMSG_ERROR)
            return false;
        Receive(socket, new byte[4096]);
        Span<byte> rest = buffer.AsSpan(0, length)[(sizeof(NetlinkHeader) + sizeof(TMessage))..];
        while (rest.Length >= sizeof(NetlinkAttribute))
        {
            NetlinkAttribute header = MemoryMarshal.Read<NetlinkAttribute>(rest);
            if (header.Type == attribute && header.Length >= sizeof(NetlinkAttribute) + offset + sizeof(T))
            {
                value = MemoryMarshal.Read<T>(rest[(sizeof(NetlinkAttribute) + offset)..]);
                return true;
            }

            rest = rest[Math.Clamp((header.Length + 3) & ~3, sizeof(NetlinkAttribute), rest.Length)..];
        }

        return false;
    }

    /// <summary>Sends the message and receives one; what fails reads as the error message that it is.</summary>
    private int Exchange(SafeFileHandle socket, byte[] answer)
    {
        MemoryMarshal.Write(_message, in _length);
        fixed (byte* message = _message)
        {
            int length = Libc.SendTo((int)socket.DangerousGetHandle(), message, (nuint)_length, 0, null, 0) < 0
                ? 0
                : Receive(socket, answer);
            if (length >= sizeof(NetlinkHeader) + sizeof(NetlinkError))
                return length;
        }

        MemoryMarshal.Write(answer, new NetlinkHeader { Type = Netlink.NLMSG_ERROR });
        MemoryMarshal.Write(answer.AsSpan(sizeof(NetlinkHeader)), new NetlinkError { Error = -Errno.Last });
        return sizeof(NetlinkHeader) + sizeof(NetlinkError);
    }

    private static int Receive(SafeFileHandle socket, byte[] buffer)
    {
        fixed (byte* start = buffer)
            return (int)Libc.Recv((int)socket.DangerousGetHandle(), start, (nuint)buffer.Length, 0);
    }

    private int Begin(ushort type)
    {
        int start = _length;
        Append(new NetlinkAttribute { Type = type });
        return start;
    }

    private NetlinkRequest End(int start)
    {
        Unsafe.As<byte, NetlinkAttribute>(ref _message[start]).Length = (ushort)(_length - start);
        _length = (_length + 3) & ~3;
        return this;
    }
}
