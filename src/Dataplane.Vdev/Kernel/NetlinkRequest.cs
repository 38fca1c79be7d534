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
        MemoryMarshal.Write(_message, in _length);
        int fd = (int)socket.DangerousGetHandle();
        byte[] answer = new byte[4096];
        fixed (byte* message = _message, buffer = answer)
        {
            if (Libc.SendTo(fd, message, (nuint)_length, 0, null, 0) < 0
                || Libc.Recv(fd, buffer, (nuint)answer.Length, 0) < sizeof(NetlinkHeader) + sizeof(NetlinkError))
                return Errno.Last;
            return -((NetlinkError*)(buffer + sizeof(NetlinkHeader)))->Error;
        }
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
