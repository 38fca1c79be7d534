using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Pci;

/// <summary>
/// The IPv4 routes of all tables, as rtnetlink(7) tells them: /proc/net/route has the main table's alone, and policy routing
/// (secondary interfaces in clouds, VRFs) keeps its own elsewhere.
/// </summary>
internal static unsafe class RouteDump
{
    /// <summary>Most that the kernel puts into one message of an answer (netlink_dump).</summary>
    private const int AnswerLength = 32 << 10;

    /// <summary>Numbers of the interfaces that unicast routes go through; none if the kernel does not tell.</summary>
    public static IReadOnlySet<int> ReadInterfaces()
    {
        var indexes = new HashSet<int>();
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC;
        using SafeFileHandle socket = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        if (socket.IsInvalid || !TryAsk(socket))
            return indexes;
        byte[] answer = new byte[AnswerLength];
        fixed (byte* start = answer)
        {
            nint length;
            do
                length = Libc.Recv((int)socket.DangerousGetHandle(), start, AnswerLength, 0);
            while (length > 0 && TryTake(answer.AsSpan(0, (int)length), indexes));
        }

        return indexes;
    }

    private static bool TryAsk(SafeFileHandle socket)
    {
        byte[] request = new byte[sizeof(NetlinkHeader) + sizeof(RouteMessage)];
        MemoryMarshal.Write(request, new NetlinkHeader
        {
            Length = (uint)request.Length,
            Type = Netlink.RTM_GETROUTE,
            Flags = Netlink.NLM_F_REQUEST | Netlink.NLM_F_DUMP,
        });
        MemoryMarshal.Write(request.AsSpan(sizeof(NetlinkHeader)), new RouteMessage { Family = SocketNumbers.AF_INET });
        fixed (byte* start = request)
            return Libc.SendTo((int)socket.DangerousGetHandle(), start, (nuint)request.Length, 0, null, 0) == request.Length;
    }

    /// <returns>False behind the last route: what else comes is the end, or an error.</returns>
    private static bool TryTake(ReadOnlySpan<byte> messages, HashSet<int> indexes)
    {
        while (messages.Length >= sizeof(NetlinkHeader))
        {
            NetlinkHeader header = MemoryMarshal.Read<NetlinkHeader>(messages);
            if (header.Type != Netlink.RTM_NEWROUTE || header.Length < sizeof(NetlinkHeader) + sizeof(RouteMessage) || header.Length > messages.Length)
                return false;
            TakeRoute(messages[sizeof(NetlinkHeader)..(int)header.Length], indexes);
            messages = Behind(messages, (int)header.Length);
        }

        return true;
    }

    private static void TakeRoute(ReadOnlySpan<byte> message, HashSet<int> indexes)
    {
        // Addresses of our own and broadcasts are routes of other types.
        if (MemoryMarshal.Read<RouteMessage>(message).Type != Netlink.RTN_UNICAST)
            return;
        var ways = new List<int>();
        for (ReadOnlySpan<byte> rest = message[sizeof(RouteMessage)..]; rest.Length >= sizeof(NetlinkAttribute);)
        {
            NetlinkAttribute attribute = MemoryMarshal.Read<NetlinkAttribute>(rest);
            if (attribute.Length < sizeof(NetlinkAttribute) || attribute.Length > rest.Length)
                break;
            ReadOnlySpan<byte> value = rest[sizeof(NetlinkAttribute)..attribute.Length];
            // 169.254.0.0/16 is there without anybody's doing.
            if (attribute.Type == Netlink.RTA_DST && value is [169, 254, ..])
                return;
            if (attribute.Type == Netlink.RTA_OIF)
                ways.Add(MemoryMarshal.Read<int>(value));
            else if (attribute.Type == Netlink.RTA_MULTIPATH)
                TakeWays(value, ways);
            rest = Behind(rest, attribute.Length);
        }

        indexes.UnionWith(ways);
    }

    private static void TakeWays(ReadOnlySpan<byte> value, List<int> ways)
    {
        while (value.Length >= sizeof(RouteNextHop))
        {
            RouteNextHop way = MemoryMarshal.Read<RouteNextHop>(value);
            ways.Add(way.Index);
            value = Behind(value, Math.Max(way.Length, sizeof(RouteNextHop)));
        }
    }

    /// <summary>What follows at the next multiple of four bytes.</summary>
    private static ReadOnlySpan<byte> Behind(ReadOnlySpan<byte> bytes, int length) => bytes[Math.Min((length + 3) & ~3, bytes.Length)..];
}
