using System.Globalization;
using Dataplane.Linux;

namespace Dataplane.Vfio.Pci;

/// <summary>What the kernel does with a network interface.</summary>
/// <param name="Name">The interface.</param>
/// <param name="IsUp">Whether it is administratively up.</param>
/// <param name="HasRoutes">Whether routes go through it or through what is built on it (a bond, bridge or VLAN), so that it has an address in use.</param>
/// <param name="HasDefaultRoute">Whether one of those is a default route.</param>
/// <param name="Uppers">
/// What is built right on it. Its routes may be where we do not see them: those of Open vSwitch are on a port of the switch,
/// those of a bridge in its guests.
/// </param>
internal sealed record InterfaceUse(
    string Name, bool IsUp, bool HasRoutes, bool HasDefaultRoute, IReadOnlyList<string> Uppers)
{
    /// <summary>Whether the machine would miss it.</summary>
    public bool IsActive => HasDefaultRoute || (IsUp && (HasRoutes || Uppers.Count > 0));
}

/// <summary>
/// The routing tables of IPv4 and IPv6 as they are when this is made. Of IPv4 a default route counts as one in the main table,
/// and in others as a route; the file of IPv6 has all tables and does not tell them apart.
/// </summary>
internal sealed class RoutedInterfaces
{
    private const string Interfaces = "/sys/class/net";
    private const uint Reject = 0x200; // RTF_REJECT, linux/route.h
    private const uint Up = 1; // IFF_UP, linux/if.h

    private readonly HostFiles _files;
    private readonly HashSet<string> _routed = new(StringComparer.Ordinal);
    private readonly HashSet<string> _default = new(StringComparer.Ordinal);

    public RoutedInterfaces(HostFiles files)
    {
        _files = files;
        ReadRoutes();
        ReadRoutesOfOtherTables();
        ReadRoutes6();
    }

    /// <summary>What is known of an interface of our network namespace.</summary>
    public InterfaceUse this[string name]
    {
        get
        {
            HashSet<string> stack = [name];
            CollectUppers(name, stack);
            bool isUp = ParseHex(_files.ReadText($"{Interfaces}/{name}/flags") is ['0', 'x', .. string digits] ? digits : "") is { } flags
                && (flags & Up) != 0;
            return new InterfaceUse(name, isUp, stack.Overlaps(_routed), stack.Overlaps(_default), Uppers(name));
        }
    }

    // Columns: interface, destination, gateway, flags, references, use, metric, mask; hexadecimal, in network order.
    private void ReadRoutes()
    {
        foreach (string line in _files.ReadLines("/proc/net/route").Skip(1))
        {
            string[] fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length < 8 || IsRejected(fields[3]))
                continue;
            // 169.254.0.0/16 is there without anybody's doing, as fe80:: is.
            bool isLinkLocal = fields[1].EndsWith("FEA9", StringComparison.Ordinal);
            Add(fields[0], isDefault: fields[1] == "00000000" && fields[7] == "00000000", isLinkLocal);
        }
    }

    private void ReadRoutesOfOtherTables()
    {
        IReadOnlySet<int> indexes = RouteDump.ReadInterfaces();
        _routed.UnionWith(_files.ListNames(Interfaces)
            .Where(name => _files.ReadNumber($"{Interfaces}/{name}/ifindex") is { } index && indexes.Contains((int)index)));
    }

    // Columns: destination, prefix length, source, prefix length, next hop, metric, references, use, flags, interface.
    private void ReadRoutes6()
    {
        foreach (string line in _files.ReadLines("/proc/net/ipv6_route"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 10 || IsRejected(fields[8]))
                continue;
            // fe80::/10 and multicast.
            bool isLinkLocal = fields[0] is ['f', 'e', '8' or '9' or 'a' or 'b', ..] or ['f', 'f', ..];
            Add(fields[9], isDefault: fields[1] == "00", isLinkLocal);
        }
    }

    private void Add(string name, bool isDefault, bool isLinkLocal)
    {
        if (!isLinkLocal)
            _routed.Add(name);
        if (isDefault)
            _default.Add(name);
    }

    private void CollectUppers(string name, HashSet<string> stack)
    {
        foreach (string upper in Uppers(name))
        {
            if (stack.Add(upper))
                CollectUppers(upper, stack);
        }
    }

    /// <summary>An interface has a link to what is built on it: <c>upper_bond0</c>.</summary>
    private string[] Uppers(string name)
    {
        const string Prefix = "upper_";
        return
        [
            .. _files.ListNames($"{Interfaces}/{name}")
                .Where(entry => entry.StartsWith(Prefix, StringComparison.Ordinal))
                .Select(entry => entry[Prefix.Length..])
                .Order(StringComparer.Ordinal),
        ];
    }

    private static bool IsRejected(string flags) => ParseHex(flags) is not { } value || (value & Reject) != 0;

    private static uint? ParseHex(string digits) =>
        uint.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value) ? value : null;
}
