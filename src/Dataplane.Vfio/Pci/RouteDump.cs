using System.Runtime.InteropServices;
using Dataplane.Linux;
using Microsoft.Win32.SafeHandles;

namespace Dataplane.Vfio.Pci;

/// <summary>
/// The IPv4 routes of all tables, as rtnetlink(7) tells them: /proc/net/route has the main table's alone, and policy routing
/// (secondary interfaces in clouds, VRFs) keeps its own elsewhere.
/// </summary>
internal sealed unsafe class RouteDump
{
    /// <summary>Most that the kernel puts into one message of an answer (netlink_dump).</summary>
    private const int AnswerLength = 32 << 10;

    private readonly HashSet<int> _indexes = [];

    // Of routes that name an object instead of their way (ip nexthop): both, unless net.ipv4.nexthop_compat_mode is 0.
    private readonly HashSet<uint> _objects = [];

    private delegate void Taker(ReadOnlySpan<byte> message);

    /// <summary>Numbers of the interfaces that unicast routes go through; none if the kernel does not tell.</summary>
    public static IReadOnlySet<int> ReadInterfaces()
    {
        var dump = new RouteDump();
        Ask<RouteMessage>(Netlink.RTM_GETROUTE, Netlink.RTM_NEWROUTE, new RouteMessage { Family = SocketNumbers.AF_INET }, dump.TakeRoute);
        if (dump._objects.Count != 0)
            dump.TakeObjects();
        return dump._indexes;
    }

    /// <summary>Asks for all objects of a kind.</summary>
    private static void Ask<TMessage>(ushort request, ushort kind, TMessage message, Taker take)
        where TMessage : unmanaged
    {
        const int Type = SocketNumbers.SOCK_RAW | SocketNumbers.SOCK_CLOEXEC;
        using SafeFileHandle socket = Libc.Socket(SocketNumbers.AF_NETLINK, Type, Netlink.NETLINK_ROUTE);
        if (socket.IsInvalid || !TrySend(socket, request, message))
            return;
        byte[] answer = new byte[AnswerLength];
        fixed (byte* start = answer)
        {
            nint length;
            do
                length = Libc.Recv((int)socket.DangerousGetHandle(), start, AnswerLength, 0);
            while (length > 0 && TryTake(answer.AsSpan(0, (int)length), kind, sizeof(TMessage), take));
        }
    }

    private static bool TrySend<TMessage>(SafeFileHandle socket, ushort type, TMessage message)
        where TMessage : unmanaged
    {
        byte[] request = new byte[sizeof(NetlinkHeader) + sizeof(TMessage)];
        MemoryMarshal.Write(request, new NetlinkHeader
        {
            Length = (uint)request.Length,
            Type = type,
            Flags = Netlink.NLM_F_REQUEST | Netlink.NLM_F_DUMP,
        });
        MemoryMarshal.Write(request.AsSpan(sizeof(NetlinkHeader)), message);
        fixed (byte* start = request)
            return Libc.SendTo((int)socket.DangerousGetHandle(), start, (nuint)request.Length, 0, null, 0) == request.Length;
    }

    /// <returns>False behind the last object: what else comes is the end, or an error.</returns>
    private static bool TryTake(ReadOnlySpan<byte> messages, ushort kind, int least, Taker take)
    {
        while (messages.Length >= sizeof(NetlinkHeader))
        {
            NetlinkHeader header = MemoryMarshal.Read<NetlinkHeader>(messages);
            if (header.Type != kind || header.Length < sizeof(NetlinkHeader) + least || header.Length > messages.Length)
                return false;
            take(messages[sizeof(NetlinkHeader)..(int)header.Length]);
            messages = Behind(messages, (int)header.Length);
        }

        return true;
    }

    /// <summary>The next attribute, if there is one.</summary>
    private static bool TryTakeAttribute(ref ReadOnlySpan<byte> rest, out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (rest.Length < sizeof(NetlinkAttribute))
            return false;
        NetlinkAttribute attribute = MemoryMarshal.Read<NetlinkAttribute>(rest);
        if (attribute.Length < sizeof(NetlinkAttribute) || attribute.Length > rest.Length)
            return false;
        type = attribute.Type;
        value = rest[sizeof(NetlinkAttribute)..attribute.Length];
        rest = Behind(rest, attribute.Length);
        return true;
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

    private void TakeRoute(ReadOnlySpan<byte> message)
    {
        // Addresses of our own and broadcasts are routes of other types.
        if (MemoryMarshal.Read<RouteMessage>(message).Type != Netlink.RTN_UNICAST)
            return;
        var ways = new List<int>();
        uint nextHop = 0;
        ReadOnlySpan<byte> rest = message[sizeof(RouteMessage)..];
        while (TryTakeAttribute(ref rest, out ushort type, out ReadOnlySpan<byte> value))
        {
            // 169.254.0.0/16 is there without anybody's doing.
            if (type == Netlink.RTA_DST && value is [169, 254, ..])
                return;
            if (type == Netlink.RTA_OIF)
                ways.Add(MemoryMarshal.Read<int>(value));
            else if (type == Netlink.RTA_MULTIPATH)
                TakeWays(value, ways);
            else if (type == Netlink.RTA_NH_ID)
                nextHop = MemoryMarshal.Read<uint>(value);
        }

        _indexes.UnionWith(ways);
        if (nextHop != 0)
            _objects.Add(nextHop);
    }

    /// <summary>Adds the interfaces of the objects that routes name, which may be groups of objects.</summary>
    private void TakeObjects()
    {
        var interfaces = new Dictionary<uint, int>();
        var groups = new Dictionary<uint, uint[]>();
        Ask<NextHopMessage>(Netlink.RTM_GETNEXTHOP, Netlink.RTM_NEWNEXTHOP, default, message =>
        {
            uint id = 0;
            ReadOnlySpan<byte> rest = message[sizeof(NextHopMessage)..];
            while (TryTakeAttribute(ref rest, out ushort type, out ReadOnlySpan<byte> value))
            {
                // The number comes first.
                if (type == Netlink.NHA_ID)
                    id = MemoryMarshal.Read<uint>(value);
                else if (type == Netlink.NHA_OIF)
                    interfaces[id] = MemoryMarshal.Read<int>(value);
                else if (type == Netlink.NHA_GROUP)
                    groups[id] = [.. MemoryMarshal.Cast<byte, NextHopGroupEntry>(value).ToArray().Select(entry => entry.Id)];
            }
        });
        foreach (uint id in _objects.SelectMany(id => groups.GetValueOrDefault(id, [id])))
        {
            if (interfaces.TryGetValue(id, out int index))
                _indexes.Add(index);
        }
    }
}
