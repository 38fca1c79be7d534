namespace Dataplane.Linux;

/// <summary>The address of a Unix socket: a path, or a zero byte and an abstract name.</summary>
[KernelStruct("struct sockaddr_un", "linux/un.h")]
internal unsafe struct SockaddrUn
{
    [KernelConstant("linux/un.h")]
    public const int UNIX_PATH_MAX = 108;

    /// <summary>Bytes in front of the path.</summary>
    public const int OffsetOfPath = sizeof(ushort);

    public ushort SunFamily;
    public fixed byte SunPath[UNIX_PATH_MAX];
}

/// <summary>Who a process is, as the kernel knows it: SO_PEERCRED.</summary>
[KernelStruct("struct ucred", "sys/socket.h")]
internal struct PeerCredentials
{
    /// <summary>0 if it is in a PID namespace that we do not see.</summary>
    [KernelField("pid")] public int ProcessId;
    [KernelField("uid")] public uint UserId;
    [KernelField("gid")] public uint GroupId;
}

/// <summary>What a control message starts with; its data follows, and the next starts at a multiple of eight bytes.</summary>
[KernelStruct("struct cmsghdr", "sys/socket.h")]
internal struct ControlMessage
{
    /// <summary>Bytes of header and data.</summary>
    [KernelField("cmsg_len")] public nuint Length;
    [KernelField("cmsg_level")] public int Level;
    [KernelField("cmsg_type")] public int Type;
}
