using System.Text;
using Dataplane.Linux;

namespace Dataplane.Vdev.Peers;

/// <summary>Where a Unix socket is: a path, or an abstract name that only the processes of one network namespace see.</summary>
internal sealed unsafe class PeerAddress
{
    /// <summary>Bytes of a path or name: one of the field's ends a path, and one starts an abstract name.</summary>
    public const int MaxLength = SockaddrUn.UNIX_PATH_MAX - 1;

    private readonly byte[] _bytes;

    private PeerAddress(string name, byte[] bytes, bool isAbstract)
    {
        Name = name;
        _bytes = bytes;
        IsAbstract = isAbstract;
    }

    /// <summary>The path, or the abstract name without the zero byte in front.</summary>
    public string Name { get; }

    public bool IsAbstract { get; }

    /// <param name="device">The device's name, for messages.</param>
    /// <param name="path">As the user gave it.</param>
    /// <exception cref="DataplaneException">No socket can have this path.</exception>
    public static PeerAddress File(string device, string path) => Create(device, path, isAbstract: false);

    /// <param name="device">The device's name, for messages.</param>
    /// <param name="name">Without the zero byte in front.</param>
    /// <exception cref="DataplaneException">No socket can have this name.</exception>
    public static PeerAddress Abstract(string device, string name) => Create(device, name, isAbstract: true);

    /// <summary>Writes it as the kernel wants it.</summary>
    /// <returns>Bytes of the address. An abstract name ends with them, as DPDK and VPP have it, and is not filled up with zeros.</returns>
    public uint Write(SockaddrUn* address)
    {
        *address = new SockaddrUn { SunFamily = SocketNumbers.AF_UNIX };
        int start = IsAbstract ? 1 : 0;
        _bytes.CopyTo(new Span<byte>(address->SunPath + start, MaxLength));
        return (uint)(SockaddrUn.OffsetOfPath + _bytes.Length + 1);
    }

    /// <summary>As messages name it.</summary>
    public override string ToString() => IsAbstract ? $"@{Name}" : Name;

    private static PeerAddress Create(string device, string name, bool isAbstract)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        string kind = isAbstract ? "abstract socket name" : "socket path";
        if (bytes.Length == 0 || bytes.AsSpan().Contains((byte)0))
            throw new DataplaneException($"{device}: the {kind} is empty or has a zero byte in it", $"give another {kind}");
        if (bytes.Length > MaxLength)
        {
            throw new DataplaneException(
                $"{device}: the {kind} '{name}' is {bytes.Length} bytes long, and that of a Unix socket at most {MaxLength}",
                isAbstract ? "choose a shorter one" : "choose a shorter one, such as /run/dataplane/port0.sock");
        }

        return new PeerAddress(name, bytes, isAbstract);
    }
}
