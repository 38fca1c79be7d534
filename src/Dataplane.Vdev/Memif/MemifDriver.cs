using System.Globalization;
using System.Text;
using Dataplane.Ports;
using Dataplane.Vdev.Peers;
using Microsoft.Extensions.Logging;

namespace Dataplane.Vdev.Memif;

/// <summary>
/// <c>net_memif</c>: frames through memory that is shared with another process, such as VPP, a DPDK program or another of
/// our own. The client owns the memory, the server listens; several ports may use one socket.
/// </summary>
public sealed class MemifDriver : IVdevDriver
{
    private const string DefaultSocket = "/run/memif.sock";

    /// <inheritdoc/>
    public string Name => "net_memif";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("role", "server or client (client)"),
        new("id", "number of the interface on its socket; the peer's must be the same (0)"),
        new("bsize", "client: bytes of a buffer (2048)"),
        new("rsize", "client: logarithm of the descriptors of a ring, 1 to 14 (10)"),
        new("socket", "path of the socket, or its abstract name (/run/memif.sock)"),
        new("socket-abstract", "yes or no: whether the name is abstract (yes)"),
        new("owner-uid", "server: user that the socket's file belongs to (ours)"),
        new("owner-gid", "server: group that the socket's file belongs to (ours)"),
        new("mac", "MAC address (random)"),
        new("secret", "what both sides must have the same, up to 23 bytes (none)"),
        new("zero-copy", "client, yes or no: the server works on our own buffers (no)"),
        new("layout", "64 or 128: bytes of a cache line in rings, which is found out otherwise (ours)"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        string socket = arguments.Get("socket") ?? DefaultSocket;
        bool isAbstract = GetYesNo(arguments, "socket-abstract", defaultValue: true);
        if (isAbstract)
        {
            context.Logger.LogWarning(
                "{Port}: the abstract socket @{Socket} is seen only within this network namespace, so not by other pods: give socket-abstract=no and a path on a volume that they share",
                context.Name, socket);
        }

        return MemifPort.Open(context, new MemifOptions
        {
            Address = isAbstract ? PeerAddress.Abstract(context.Name, socket) : PeerAddress.File(context.Name, socket),
            IsServer = IsServer(context, arguments),
            Id = GetUInt32(arguments, "id") ?? 0,
            BufferSize = arguments.GetInt32("bsize", 2048, 1, ushort.MaxValue),
            Log2RingSize = arguments.GetInt32("rsize", 10, 1, MemifNumbers.MaxLog2RingSize),
            OwnerUid = GetUInt32(arguments, "owner-uid"),
            OwnerGid = GetUInt32(arguments, "owner-gid"),
            MacAddress = arguments.GetMacAddress("mac"),
            Secret = GetSecret(arguments),
            ZeroCopy = GetYesNo(arguments, "zero-copy", defaultValue: false),
            Layout = arguments.Has("layout") ? GetLayout(arguments) : null,
        });
    }

    private static bool IsServer(PortContext context, Devargs arguments)
    {
        string role = arguments.Get("role") ?? "client";
        if (role is "master" or "slave")
        {
            context.Logger.LogWarning(
                "{Port}: role={Role} is deprecated, use role={New}", context.Name, role, role == "master" ? "server" : "client");
        }

        return role switch
        {
            "server" or "master" => true,
            "client" or "slave" => false,
            _ => throw arguments.Invalid("role", role, "server or client"),
        };
    }

    private static bool GetYesNo(Devargs arguments, string key, bool defaultValue) => arguments.Get(key) switch
    {
        null => defaultValue,
        "yes" => true,
        "no" => false,
        string text => throw arguments.Invalid(key, text, "yes or no"),
    };

    private static uint? GetUInt32(Devargs arguments, string key)
    {
        if (arguments.Get(key) is not { } text)
            return null;
        // All ones stands for "nobody" in chown(2), and is no id of DPDK's.
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint value) && value != uint.MaxValue
            ? value
            : throw arguments.Invalid(key, text, $"a number from 0 to {uint.MaxValue - 1}");
    }

    private static string GetSecret(Devargs arguments)
    {
        string secret = arguments.Get("secret") ?? "";
        return Encoding.UTF8.GetByteCount(secret) < MemifNumbers.SecretLength
            ? secret
            : throw new DataplaneException(
                $"The secret of the device '{arguments.Name}' is longer than {MemifNumbers.SecretLength - 1} bytes", "choose a shorter one");
    }

    private static MemifRingLayout GetLayout(Devargs arguments) => arguments.Get("layout") switch
    {
        "64" => MemifRingLayout.Lines64,
        "128" => MemifRingLayout.Lines128,
        string text => throw arguments.Invalid("layout", text, "64 or 128"),
        null => throw new ArgumentException("The key must be there.", nameof(arguments)),
    };
}
