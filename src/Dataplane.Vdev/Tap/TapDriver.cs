using Dataplane.Packets;
using Dataplane.Ports;

namespace Dataplane.Vdev.Tap;

/// <summary>
/// <c>net_tap</c>: a port that is the other side of an interface which it makes: what the kernel sends there, the port
/// receives. With <c>remote</c> it takes the place of an existing interface instead.
/// </summary>
public sealed class TapDriver : IVdevDriver
{
    private const string FixedAddress = "fixed";

    /// <inheritdoc/>
    public string Name => "net_tap";

    /// <inheritdoc/>
    public IReadOnlyList<DevargKey> Keys { get; } =
    [
        new("iface", "name of the interface to make; %d is the first free number (dtap%d)"),
        new("mac", "its MAC address, or 'fixed' for 02:64:74:61:70:30 and on (random)"),
        new("remote", "an interface whose traffic goes through the port"),
    ];

    /// <inheritdoc/>
    public Port Create(PortContext context, Devargs arguments)
    {
        string? mac = arguments.Get("mac");
        bool isFixed = mac == FixedAddress;
        MacAddress? address = isFixed ? FixedAddressFor(context) : mac is null ? null : ReadAddress(arguments, mac);
        string iface = arguments.Get("iface") ?? "dtap%d";
        return TapPort.Open(context, new TapOptions(iface, address, isFixed, arguments.Get("remote")));
    }

    private static MacAddress ReadAddress(Devargs arguments, string mac) =>
        MacAddress.TryParse(mac, out MacAddress address) && address.IsUnicast
            ? address
            : throw arguments.Invalid(
                "mac", mac, $"'{FixedAddress}' or the MAC address of a station, such as 02:00:00:00:00:01");

    /// <summary>As DPDK has it: "dtap" behind a local prefix, and a digit that counts such ports.</summary>
    private static MacAddress FixedAddressFor(PortContext context)
    {
        int earlier = context.Ports.OfType<TapPort>().Count(port => port.HasFixedAddress);
        return new MacAddress([0x02, (byte)'d', (byte)'t', (byte)'a', (byte)'p', (byte)('0' + earlier)]);
    }
}

/// <summary>The keys of a tap device.</summary>
internal sealed record TapOptions(string Interface, MacAddress? Address, bool IsFixed, string? Remote);
